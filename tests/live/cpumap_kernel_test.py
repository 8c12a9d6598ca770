#!/usr/bin/env python3
"""The running kernel moves the frames of tests/objects/cpumap.bpf.c as `sluice run` does (cpumap_test.py): run on the CPU of
the entry, with the metadata of the one that received them, for the port they came in by.

    cpumap_kernel_test.py SLUICE PROGRAMS OBJECTS        TAP on standard output; root
"""
import ctypes
import os
import struct
import sys

from lab import PREFIX, Lab, Tap, skip_all, why_not_here
from raw import enter

CALLS = {"bpf_object__open_file": ctypes.c_void_p, "bpf_object__find_map_by_name": ctypes.c_void_p,
         "bpf_object__find_program_by_name": ctypes.c_void_p, "bpf_map_update_elem": ctypes.c_int}


def library():
    try:
        libbpf = ctypes.CDLL("libbpf.so.1", use_errno=True)
    except OSError:
        return None
    for name, result in CALLS.items():
        getattr(libbpf, name).restype = result
    return libbpf


def must(done: int, what: str) -> int:
    if done < 0:
        raise RuntimeError(f"{what}: {os.strerror(-done)}")
    return done


class Loaded:
    """The object in the kernel; entries for `cpus`, each with its program."""

    def __init__(self, libbpf, path: str, cpus: list):
        self.libbpf = libbpf
        self.object = ctypes.c_void_p(libbpf.bpf_object__open_file(path.encode(), None))
        must(libbpf.bpf_object__load(self.object), "load")
        there = self.program("on_cpu")
        entries = ctypes.c_void_p(libbpf.bpf_object__find_map_by_name(self.object, b"cpus"))
        fd = libbpf.bpf_map__fd(entries)
        for cpu in cpus:
            key, value = struct.pack("=I", cpu), struct.pack("=Ii", 192, there)
            must(libbpf.bpf_map_update_elem(fd, key, value, ctypes.c_uint64(0)), f"entry {cpu}")

    def program(self, name: str) -> int:
        found = ctypes.c_void_p(self.libbpf.bpf_object__find_program_by_name(self.object, name.encode()))
        return must(self.libbpf.bpf_program__fd(found), name)

    def attach(self, ifindex: int) -> None:
        must(self.libbpf.bpf_xdp_attach(ifindex, self.program("to_cpu"), 0, None), "attach")


def main() -> int:
    sluice, programs, objects = sys.argv[1:4]
    libbpf = library()
    why = why_not_here(("ip", "ethtool")) or ("" if libbpf else "needs libbpf (Debian: libbpf1)")
    if why:
        return skip_all(why)
    tap = Tap()
    cpus = sorted(cpu for cpu in os.sched_getaffinity(0) if cpu < 8)  # the map's size
    with Lab(sluice, programs) as lab:
        lab.wire("h", "v")
        lab.address("h", "02:00:00:00:00:aa")
        lab.ip("h", "link", "set", "eth0", "up")
        ifindex = int(lab.sh("sw", "cat", "/sys/class/net/v/ifindex").stdout)
        own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        other = os.open(f"/run/netns/{PREFIX}{os.getpid()}-sw", os.O_RDONLY)
        try:
            loaded = Loaded(libbpf, f"{objects}/cpumap.o", cpus)
            enter(other)
            loaded.attach(ifindex)
        except RuntimeError as refused:
            return skip_all(f"this kernel does not take the programs: {refused}")
        finally:
            enter(own)
            os.close(own)
            os.close(other)
        sender, watcher = lab.raw("h"), lab.raw("sw", "v")
        for received_by in cpus:
            os.sched_setaffinity(0, {received_by})  # the other end of a pair receives where its peer sends
            for cpu in cpus:
                watcher.drain()
                destination = bytes((2, 0, 0, 0, 0, cpu))
                sender.send(destination + bytes(6) + b"\x88\xb5" + bytes(46))
                seen = []
                watcher.saw(lambda f: f[:6] == destination and f[12:14] == b"\x88\xb5" and (seen.append(f) or True))
                name = f"received by CPU {received_by}, run on by CPU {cpu}"
                source = seen[0][6:12] if seen else b""
                tap.check(source[:4] == bytes((2, received_by, cpu, ifindex & 0xFF)), name, source.hex())
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
