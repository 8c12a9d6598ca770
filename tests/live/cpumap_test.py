#!/usr/bin/env python3
"""A CPUMAP moves frames between the workers of `sluice run`: who runs them, in which order, and what a full queue drops.

    cpumap_test.py SLUICE PROGRAMS OBJECTS        TAP on standard output; any user
"""
import os
import struct
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from lab import Lab, Tap, skip_all, without_live_ports
from pcap_test import frames_of

FRAMES = 900  # fewer than rings between workers hold, so that none is lost there
CONFIG = """
version: 1
workers: {{count: {workers}}}
ports:
  a: {{{source}, ifindex: 11}}
  b: {{{sinks[b]}, ifindex: 2}}
  c: {{{sinks[c]}, ifindex: 3}}
programs:
  to_cpu: {{object: "{objects}/cpumap.o", function: to_cpu}}
  on_cpu: {{object: "{objects}/cpumap.o", function: on_cpu}}
pipelines: {{x: {{entry: to_cpu, on_pass: b}}}}
attach: [{{ports: [a], ingress: x}}]
maps: {{cpus: {{entries: [{entries}]}}}}
dpdk: {{hugepages: auto}}
"""


def capture(workers: int) -> bytes:
    """Frames of sixteen flows to all CPUs, each with its number behind the headers; every third is to leave by c."""
    data = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    for i in range(FRAMES):
        destination = bytes((2, 0, 0, 0, i % 3 == 0, i // 3 % workers))
        udp = struct.pack(">HHHH", 1000 + i % 16, 9, 26, 0)
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 46, 0, 0, 64, 17, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
        frame = destination + bytes(6) + b"\x08\0" + ip + udp + struct.pack(">I14x", i)
        data += struct.pack("<IIII", 0, i, len(frame), len(frame)) + frame
    return data


class Case:
    def __init__(self, lab: Lab, folder: str, objects: str, workers: int, waiting: int, program: bool = True):
        self.lab, self.folder, self.workers = lab, Path(folder), workers
        self.name = f"{workers} worker{'s' * (workers > 1)}, queues of {waiting}{'' if program else ', no program'}"
        one = "{{key: {cpu}, value: {waiting}{program}}}"
        self.entries = ", ".join(one.format(cpu=cpu, waiting=waiting, program=", program: on_cpu" if program else "")
                                 for cpu in range(workers))
        self.objects = os.path.abspath(objects)

    def run(self, source: str = "", sink: str = "", seconds: str = "1s"):
        (self.folder / "in.pcap").write_bytes(capture(self.workers))
        path = self.folder / "cpumap.yaml"
        path.write_text(CONFIG.format(
            workers=self.workers, objects=self.objects, entries=self.entries,
            source=source or f'driver: pcap, rx: "{self.folder}/in.pcap"',
            sinks={port: sink or f'driver: pcap, tx: "{self.folder}/{port}.pcap"' for port in "bc"}))
        return self.lab.start(path, args=["--for", seconds]).end()

    def sent(self) -> dict:
        return {port: frames_of(self.folder / f"{port}.pcap") for port in "bc"}


def runs_of(report, stage: str) -> int:
    return sum(s["runs"] for s in report.json.get("egress_stages", []) if s["name"] == stage)


def number_of(frame: bytes) -> int:
    return int.from_bytes(frame[42:46], "big")


def moved(case: Case, tap: Tap) -> None:
    """Queues have room for all: every frame leaves, run by the worker its entry names, in order."""
    name, report = case.name, case.run()
    tap.report(f"{name}: it runs and the counters add up", report.problems(0))
    if not report.json:
        return
    sent = case.sent()
    frames = sent["b"] + sent["c"]
    tap.check(sorted(map(number_of, frames)) == list(range(FRAMES)), f"{name}: every frame leaves once",
              f"{len(frames)} of {FRAMES}; {report.drops}")
    tap.check(not report.drops, f"{name}: none is dropped", report.drops)
    wrong = [f.hex() for f in frames if f[8] != f[5]]
    tap.check(not wrong, f"{name}: each is run by the worker that its entry names", wrong[:2])
    wrong = [f.hex() for f in frames if f[6] != 2 or f[9] != 11 or f[7] >= case.workers]
    tap.check(not wrong, f"{name}: metadata and the port it came in by travel with it", wrong[:2])
    wrong = [f.hex() for port in "bc" for f in sent[port] if bool(f[4]) != (port == "c")]
    tap.check(not wrong, f"{name}: XDP_PASS goes to on_pass, XDP_REDIRECT where it says", wrong[:2])
    pairs = {(f[7], f[8]) for f in frames}
    tap.check(len(pairs) == case.workers ** 2, f"{name}: from every worker to every worker", sorted(pairs))
    counts = defaultdict(list)
    for frame in frames:
        counts[frame[8]].append(int.from_bytes(frame[10:12], "big"))
    tap.check(all(sorted(c) == list(range(1, len(c) + 1)) for c in counts.values()) and len(counts) == case.workers,
              f"{name}: a program there counts in the map's share of that worker", {k: len(c) for k, c in counts.items()})
    last = {}
    late = 0
    for port in "bc":
        for frame in sent[port]:
            way = (port, frame[7], frame[8])
            late += number_of(frame) < last.get(way, 0)
            last[way] = number_of(frame)
    tap.check(late == 0, f"{name}: frames of one worker for one entry stay in order", f"{late} came late")
    tap.check(runs_of(report, "on_cpu") == FRAMES == report.ports["a"]["rx_frames"], f"{name}: each is counted once",
              report.json.get("egress_stages"))
    tap.check(all(report.ports[p]["tx_frames"] == len(sent[p]) for p in "bc"), f"{name}: and where it leaves", report.ports)


def full(case: Case, tap: Tap) -> None:
    name, report = case.name, case.run()
    tap.report(f"{name}: it runs and the counters add up", report.problems(0))
    if not report.json:
        return
    left = sum(map(len, case.sent().values()))
    tap.check(set(report.drops) == {"cpumap_full"}, f"{name}: what finds it full is dropped under that name", report.drops)
    tap.check(left > 0 and left + report.drops.get("cpumap_full", 0) == FRAMES, f"{name}: all others leave",
              f"{left} left, {report.drops}")
    tap.check(runs_of(report, "on_cpu") == left, f"{name}: only those were run", report.json.get("egress_stages"))


def without_program(case: Case, tap: Tap) -> None:
    name, report = case.name, case.run()
    tap.report(f"{name}: it runs and the counters add up", report.problems(0))
    sent = case.sent()
    tap.check(len(sent["b"]) == FRAMES and not sent["c"], f"{name}: every frame passes", report.drops)
    changed = [f.hex() for f in sent["b"] if any(f[6:12])]
    tap.check(not changed, f"{name}: as it is", changed[:2])


def endless(case: Case, tap: Tap) -> None:
    """Stopped while every worker sends to one that cannot keep up: what is on its way is worked off, no buffer is lost."""
    report = case.run(source='driver: "null"', sink='driver: "null"', seconds="500ms")
    name = f"{case.name}, more than it can take"
    tap.report(f"{name}: it stops with counters that add up", report.problems(0))
    if not report.json:
        return
    received = report.ports["a"]["rx_frames"]
    tap.check(received > 10_000 and report.ports["b"]["tx_frames"] > 1000, f"{name}: it carries frames", report.ports)
    # The ports behind `on_pass` receive without end as well, which nobody asked for.
    tap.check({"cpumap_full"} <= set(report.drops) <= {"cpumap_full", "no_pipeline"}, f"{name}: full queues alone drop",
              report.drops)
    tap.check(runs_of(report, "on_cpu") + report.drops.get("cpumap_full", 0) == received,
              f"{name}: a frame is run there or found no room", (received, report.json["egress_stages"], report.drops))


def nobody(case: Case, tap: Tap) -> None:
    case.workers = 1
    report = case.run()
    tap.report("an entry for a CPU that no worker has: refused", report.problems(3, counters=False))
    tap.check("there is no such CPU: workers are 0..0" in report.err, "and the message says which there are", report.err)


def main() -> int:
    sluice, programs, objects = sys.argv[1:4]
    if without_live_ports(sluice):
        return skip_all("this build has no live ports")
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder, Lab(sluice, programs, namespaces=False) as lab:
        def case(*args, **more):
            return Case(lab, folder, objects, *args, **more)
        for workers in (1, 2, 3):
            moved(case(workers, 1024), tap)
        full(case(2, 3), tap)
        full(case(1, 1), tap)
        without_program(case(2, 1024, program=False), tap)
        endless(case(2, 64), tap)
        endless(case(3, 2048), tap)
        nobody(case(2, 64), tap)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
