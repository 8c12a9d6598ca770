#!/usr/bin/env python3
"""Wall time of the verifier against the running kernel's, side by side, on the hardest XDP programs at hand.

    bench/verifier.py BUILD_DIR [--rounds N] [--top N] [--json FILE] [OBJECT...]    BUILD_DIR was configured with -Dbench=true
Candidates: our programs, bench/hard_*.bpf.c, Debian's xdp-tools and xdp-tests, and what compiles of linux-source-6.1's samples
and selftests (in a cache in BUILD_DIR, made once). bench/verifier.cc says what is measured. Needs root.
"""
import argparse
import platform
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/packaged"))
import samples  # noqa: E402

SELFTESTS = f"{samples.TOP}/tools/testing/selftests/bpf"
CLANG = next((found for name in ("clang-19", "clang-14", "clang") if (found := shutil.which(name))), "clang")


def unpack(cache: Path) -> bool:
    """The selftests, once; unpacking takes most of a minute."""
    stamp = cache / "selftests-unpacked"
    if not samples.ARCHIVE.exists():
        print(f"without linux-source-6.1: {samples.ARCHIVE} is absent")
        return False
    if not stamp.exists():
        cache.mkdir(parents=True, exist_ok=True)
        subprocess.run(["tar", "-C", str(cache), "-xf", str(samples.ARCHIVE), SELFTESTS, f"{samples.TOP}/samples/bpf"], check=True)
        stamp.write_text("")
    return True


def compile_selftest(source: Path, headers: Path, out: Path) -> bool:
    """XDP selftests are written against the kernel's types or user space's headers; either way they compile as they are."""
    if out.exists():
        return True
    multiarch = f"{platform.machine()}-linux-gnu"
    vmlinux = '"vmlinux.h"' in source.read_text()
    user = [] if vmlinux else ["-isystem", "/usr/include", "-isystem", f"/usr/include/{multiarch}"]
    command = [CLANG, "-target", "bpf", "-mcpu=v3", "-O2", "-g", "-Wno-everything", "-Werror=implicit-function-declaration", "-fno-stack-protector",
               "-D__TARGET_ARCH_x86", f"-I{source.parent}", f"-I{source.parent.parent}", *user, "-idirafter", str(headers), "-idirafter",
               "/usr/include", "-c", str(source), "-o", str(out)]
    return subprocess.run(command, capture_output=True, text=True, check=False).returncode == 0


def linux_objects(cache: Path) -> list:
    if not unpack(cache):
        return []
    headers = samples.prepare_headers(cache)
    objects = cache / "objects"
    objects.mkdir(exist_ok=True)
    multiarch = f"{platform.machine()}-linux-gnu"
    made = []
    for source in samples.sources(cache / samples.TOP / "samples/bpf"):
        out = objects / (source.stem + ".o")
        if out.exists() or not samples.compile_one(CLANG, multiarch, source, headers, out):
            made.append(out)
    tests = [s for s in sorted((cache / SELFTESTS / "progs").glob("*.c")) if 'SEC("xdp' in s.read_text()]
    jobs = [(source, headers, objects / f"selftest_{source.stem}.o") for source in tests]
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda job: compile_selftest(*job), jobs))
    failed = [job[0].name for job, good in zip(jobs, done) if not good]
    print(f"{sum(done)} of {len(jobs)} selftests with XDP programs compile; not: {', '.join(failed) or '-'}")
    return made + [job[2] for job, good in zip(jobs, done) if good]


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("build", type=Path)
    options.add_argument("--rounds", type=int, default=9)
    options.add_argument("--top", type=int, default=10)
    options.add_argument("--json")
    options.add_argument("objects", type=Path, nargs="*", help="these instead of what is at hand")
    args = options.parse_args()
    objects = args.objects
    if not objects:
        multiarch = f"{platform.machine()}-linux-gnu"
        objects = [*sorted((args.build / "programs").glob("*.bpf.o")), *sorted((args.build / "bench").glob("*.bpf.o")),
                   *sorted(Path(f"/usr/lib/{multiarch}/bpf").glob("*.o")), *sorted(Path("/usr/libexec/xdp-tools").glob("*.o")),
                   *linux_objects(args.build.resolve() / "verifier-cache")]
    command = [str(args.build / "bench/verifier"), "--rounds", str(args.rounds), "--top", str(args.top)]
    command += ["--json", args.json] if args.json else []
    sys.stdout.flush()
    return subprocess.run([*command, *map(str, objects)], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
