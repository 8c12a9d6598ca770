"""BPF sources of Debian's linux-source-6.1 (samples/bpf), compiled against user space's headers: the kernel's own need a
configured kernel tree. Nothing of them is kept but in a cache directory."""
import shutil
import subprocess
from pathlib import Path

ARCHIVE = Path("/usr/src/linux-source-6.1.tar.xz")
TOP = "linux-source-6.1"
WANTED = [f"{TOP}/samples/bpf", f"{TOP}/tools/testing/selftests/bpf", f"{TOP}/tools/include/linux/filter.h"]
SHARED = "xdp_sample.bpf.o"
VMLINUX = Path("/sys/kernel/btf/vmlinux")

# Kernel headers that the sources name and that user space has none of: empty ones. Those of uapi/ are user space's.
EMPTY = """linux/blkdev.h linux/compiler.h linux/kconfig.h linux/netdevice.h linux/percpu.h linux/rcupdate.h linux/sched.h
  linux/skbuff.h linux/slab.h net/ip.h net/ipv6.h net/sock.h net/inet_ecn.h
  gnu/stubs-32.h""".split()  # the last: what glibc takes a BPF target for, there only with gcc-multilib
UAPI = """bpf bpf_perf_event if if_arp if_ether if_packet if_tunnel filter if_vlan in in6 ip ipv6 mpls perf_event pkt_cls ptrace seccomp
  tcp udp unistd utsname""".split()


def bpftool() -> str:
    return shutil.which("bpftool") or "/usr/sbin/bpftool"  # not in an ordinary user's path


def extract(cache: Path) -> Path:
    """The sources, once; unpacking takes most of a minute. Unfinished work is done again."""
    source = cache / TOP
    stamp = cache / "unpacked"
    state = f"{ARCHIVE.stat().st_size} {ARCHIVE.stat().st_mtime_ns} {WANTED}"
    if not stamp.exists() or stamp.read_text() != state:
        shutil.rmtree(source, ignore_errors=True)
        cache.mkdir(parents=True, exist_ok=True)
        subprocess.run(["tar", "-C", str(cache), "-xf", str(ARCHIVE), *WANTED], check=True)
        stamp.write_text(state)
    return source / "samples/bpf"


def prepare_headers(cache: Path) -> Path:
    headers = cache / "headers"
    for name in EMPTY:
        (headers / name).parent.mkdir(parents=True, exist_ok=True)
        (headers / name).write_text("")
    (headers / "net/ip.h").write_text("#define ip_is_fragment(header) (((header)->frag_off & htons(0x3fff)) != 0)\n")
    (headers / "uapi/linux").mkdir(parents=True, exist_ok=True)
    for name in UAPI:
        (headers / f"uapi/linux/{name}.h").write_text(f"#include <linux/{name}.h>\n")
    # The kernel's own header declares the tag; user space's does not.
    (headers / "linux/if_vlan.h").write_text("#pragma once\n#include_next <linux/if_vlan.h>\n"
                                             "struct vlan_hdr { __be16 h_vlan_TCI, h_vlan_encapsulated_proto; };\n")
    if VMLINUX.exists() and Path(bpftool()).exists():
        types = subprocess.run([bpftool(), "btf", "dump", "file", str(VMLINUX), "format", "c"], capture_output=True, check=False)
        if types.returncode == 0:
            (headers / "vmlinux.h").write_bytes(types.stdout)
    return headers


def has_vmlinux(cache: Path) -> bool:
    return (cache / "headers/vmlinux.h").exists()


def sources(folder: Path) -> list:
    """What is BPF of it: by the kernel's own naming."""
    found = sorted({*folder.glob("*_kern.c"), *folder.glob("*.bpf.c"), *folder.glob("parse_*.c")})
    return sorted(found, key=lambda source: source.stem + ".o" != SHARED)  # what the others are linked with first


def link(out: Path, shared: Path) -> str:
    """Those with vmlinux.h share a file of maps and trace points that is linked to each."""
    alone = out.with_suffix(".alone")
    out.rename(alone)
    done = subprocess.run([bpftool(), "gen", "object", str(out), str(alone), str(shared)], capture_output=True, text=True, check=False)
    alone.unlink()
    return "" if done.returncode == 0 else done.stderr.strip()


def compile_one(clang: str, multiarch: str, source: Path, headers: Path, out: Path) -> str:
    """Why it does not compile; empty when it did."""
    here = Path(__file__).resolve().parent
    forced = [] if source.name.endswith(".bpf.c") else ["-include", str(here / "samples.h")]  # those have vmlinux.h
    selftests = source.parents[2] / "tools/testing/selftests/bpf"
    command = [clang, "-target", "bpf", "-O2", "-g", "-Wno-everything", "-Werror=implicit-function-declaration", "-fno-stack-protector", "-D__TARGET_ARCH_x86", *forced,
               f"-I{source.parent}", "-isystem", str(headers), "-isystem", "/usr/include", "-isystem",
               f"/usr/include/{multiarch}", "-idirafter", str(selftests), "-c", str(source), "-o", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return link(out, out.with_name(SHARED)) if forced == [] and source.stem + ".o" != SHARED else ""
    out.unlink(missing_ok=True)
    lines = [line for line in done.stderr.splitlines() if "error" in line]
    return lines[0].replace(f"{source.parent}/", "") if lines else f"clang ends with {done.returncode}"
