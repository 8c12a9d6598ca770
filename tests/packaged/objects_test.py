#!/usr/bin/env python3
"""BPF objects that nobody here wrote: of Debian's xdp-tools and xdp-tests, and linux-source-6.1's samples that compile.

    objects_test.py SLUICE KERNEL_VERDICTS MULTIARCH CLANG CACHE

Each opens with `prog show`, which lists every program with its type. Each XDP program that the running kernel accepts is
accepted here, but for those that need a map type or helper that does not exist yet; those are counted.
"""
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
sys.path.insert(0, str(HERE))
import samples  # noqa: E402
from tap import Tap  # noqa: E402

PACKAGED_FLOOR = 18  # objects of xdp-tools and xdp-tests 1.3.1
SAMPLES_FLOOR = 47  # of 61 sources; 7 of them need the running kernel's types
VMLINUX_SAMPLES = 7
# XDP programs compared, by where they come from.
XDP_FLOORS = {"packages": 19, "samples": 7, "samples with vmlinux.h": 20}
# What XDP programs may be refused for, by code and a part of the message, until it exists.
NOT_YET = {"map": "map type", "unknown-helper": "", "object": "kernel functions are not supported"}


def show(sluice: str, path: Path) -> tuple:
    done = subprocess.run([sluice, "prog", "show", "--json", str(path)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return f"exit {done.returncode}: {done.stderr}", None
    listing = json.loads(done.stdout)
    return "" if listing["programs"] or listing["other_programs"] else "no program in it", listing


def verify(sluice: str, path: Path) -> dict:
    """program -> row of `prog verify`; a crash is an exception."""
    done = subprocess.run([sluice, "prog", "verify", "--json", str(path)], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 4):
        raise RuntimeError(f"{path}: exit {done.returncode}\n{done.stderr}")
    return {row["program"]: row for row in json.loads(done.stdout)} if done.stdout else {}


def is_not_yet(row: dict) -> bool:
    return row["code"] in NOT_YET and NOT_YET[row["code"]] in row["message"]


def compile_samples(tap: Tap, multiarch: str, clang: str, cache: Path) -> list:
    if not samples.ARCHIVE.exists():
        tap.skip("samples of linux-source-6.1", f"{samples.ARCHIVE} is absent: install linux-source-6.1")
        return []
    folder = samples.extract(cache)
    headers = samples.prepare_headers(cache)
    objects = cache / "objects"
    objects.mkdir(exist_ok=True)
    sources = samples.sources(folder)
    jobs = [(source, objects / (source.stem + ".o")) for source in sources]
    made = []
    for source, out in jobs[:1]:  # what the others are linked with
        made.append((source, out, samples.compile_one(clang, multiarch, source, headers, out)))
    with ThreadPoolExecutor(2) as pool:
        rest = pool.map(lambda job: (*job, samples.compile_one(clang, multiarch, *job[:1], headers, job[1])), jobs[1:])
        made.extend(rest)
    for source, _, why in made:
        print(f"# {source.name}: {why or 'compiled'}")
    good = [out for _, out, why in made if not why]
    floor = SAMPLES_FLOOR if samples.has_vmlinux(cache) else SAMPLES_FLOOR - VMLINUX_SAMPLES
    tap.check(len(good) >= floor, f"{len(good)} of {len(sources)} samples compile, at least {floor}")
    return good


def main() -> int:
    sluice, verdicts, multiarch, clang, cache = sys.argv[1:6]
    tap = Tap()
    packaged = sorted([*Path(f"/usr/lib/{multiarch}/bpf").glob("*.o"), *Path("/usr/libexec/xdp-tools").glob("*.o")])
    if packaged:
        tap.check(len(packaged) >= PACKAGED_FLOOR, f"{len(packaged)} objects of xdp-tools and xdp-tests are installed")
    else:
        tap.skip("objects of xdp-tools and xdp-tests", "install xdp-tools and xdp-tests")
    objects = packaged + compile_samples(tap, multiarch, clang, Path(cache))

    with ThreadPoolExecutor(2) as pool:
        listings = dict(zip(objects, pool.map(lambda path: show(sluice, path), objects)))
    for path, (problem, _) in listings.items():
        tap.check(not problem, f"{path.name} opens", problem)
    untyped = [f"{path.name}: {other['name']} in {other['section']}" for path, (_, listing) in listings.items() if listing
               for other in listing["other_programs"] if other["type"] is None]
    print("# of unknown type: " + (", ".join(untyped) or "none"))

    asked = subprocess.run([verdicts, *map(str, objects)], capture_output=True, text=True, check=False)
    if asked.returncode == 5:
        tap.skip("the kernel's verdicts", asked.stderr.strip())
        return tap.done()
    tap.check(asked.returncode == 0, "the kernel gives its verdicts", asked.stderr)
    counted, waiting = 0, []
    for line in map(json.loads, asked.stdout.splitlines()):
        path = Path(line["object"])
        rows = verify(sluice, path)
        for program, theirs in line["programs"].items():
            counted += 1
            ours = rows[program]
            if theirs["accepted"] and ours["verdict"] != "accepted" and is_not_yet(ours):
                waiting.append(f"{path.name} {program}: {ours['message']}")
                continue
            fine = ours["verdict"] == "accepted" or not theirs["accepted"]
            tap.check(fine, f"{path.name} {program}: kernel {'accepts' if theirs['accepted'] else 'refuses'}",
                      f"here: {ours['code']}: {ours['message']} {ours['source']}\nkernel: {theirs['why']}")
            if not theirs["accepted"]:
                print(f"# the kernel says: {theirs['why']}; here: {ours['verdict']}")
    for text in waiting:
        print(f"# not yet: {text}")
    made = len(objects) > len(packaged)
    floor = (XDP_FLOORS["packages"] if packaged else 0) + (XDP_FLOORS["samples"] if made else 0)
    floor += XDP_FLOORS["samples with vmlinux.h"] if made and samples.has_vmlinux(Path(cache)) else 0
    tap.check(counted >= floor, f"{counted} XDP programs compared, {len(waiting)} not yet possible")
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
