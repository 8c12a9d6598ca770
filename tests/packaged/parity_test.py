#!/usr/bin/env python3
"""Sluice's verifier against the running kernel's, verdict by verdict.

    parity_test.py SLUICE KERNEL_VERDICTS SELFTEST_VERDICTS MULTIARCH CC CACHE CLANG...

Programs: every XDP program of Debian's xdp-tools and xdp-tests and of linux-source-6.1's samples/bpf and selftests/bpf.
Cases: the selftests' verifier cases (tools/testing/selftests/bpf/verifier), each taken as an XDP program; the kernel's
verdict is that of the running one, not the one written there. The kernel lets root leak pointers; so does Sluice here.

Differences that are known stand in differences.txt. One that is not listed fails the test, and so does a listed one that
is gone.
"""
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
sys.path.insert(0, str(HERE))
import objects_test  # noqa: E402
import samples  # noqa: E402
import selftests  # noqa: E402
from tap import Tap  # noqa: E402

LISTED = HERE / "differences.txt"
KINDS = {"accept", "refuse", "later", "kfunc"}
SEPARATOR = " :: "
PROGRAMS_FLOOR = 100  # programs compared: packages, samples, and selftests by both compilers
CASES_FLOOR = 1300
AGREEMENT = 0.98  # of the cases that do not wait for something


def read_listed() -> dict:
    """(file, what) -> (kind, reason)."""
    listed = {}
    for number, line in enumerate(LISTED.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = line.split(SEPARATOR)
        if len(parts) != 4 or parts[0] not in KINDS or not parts[3].strip() or (parts[1], parts[2]) in listed:
            raise ValueError(f"{LISTED.name}:{number}: not KIND{SEPARATOR}FILE{SEPARATOR}WHAT{SEPARATOR}REASON, or twice")
        listed[parts[1], parts[2]] = (parts[0], parts[3])
    return listed


class Comparison:
    """Counts agreements and sorts differences into listed ones and surprises."""

    def __init__(self, listed: dict):
        self.listed = listed
        self.needed = set()
        self.total = self.agreed = self.later = self.accepts = self.refusals = 0
        self.wrong_accepts, self.wrong_refusals = [], []

    def add(self, file: str, what: str, theirs: bool, ours: bool, why: str) -> None:
        self.total += 1
        kind = self.listed.get((file, what), ("", ""))[0]
        if kind == "kfunc" and not ours:
            self.needed.add((file, what))  # whatever this kernel says
        if theirs == ours:
            self.agreed += 1
            return
        expected = {"accept"} if ours else {"refuse", "later", "kfunc"}
        if kind in expected:
            self.needed.add((file, what))
        else:
            (self.wrong_accepts if ours else self.wrong_refusals).append(f"{file}{SEPARATOR}{what}{SEPARATOR}{why}")
        self.later += kind == "later"
        self.accepts += ours
        self.refusals += not ours and kind != "later"

    def report(self, tap: Tap, name: str, files: set) -> None:
        """`files`: those that were compared; what is listed of them must be needed."""
        for kind, lines in (("accept", self.wrong_accepts), ("refuse", self.wrong_refusals)):
            for line in lines:  # all of them: as they would be listed
                print(f"# {kind}{SEPARATOR}{line}")
        tap.check(not self.wrong_accepts, f"{name}: nothing but what is listed is accepted here and refused by the kernel")
        tap.check(not self.wrong_refusals, f"{name}: nothing but what is listed is refused here and accepted by the kernel")
        gone = [SEPARATOR.join(key) for key in self.listed if key[0] in files and key not in self.needed]
        tap.report(f"{name}: every difference that is listed is still there", gone)
        print(f"# {name}: {self.total} compared, {self.agreed} agree, {self.accepts} accepted here only, {self.refusals} refused "
              f"here only, {self.later} wait for what does not exist yet; {self.share():.2%} of the others agree, "
              f"{self.agreed / max(self.total, 1):.2%} of all")

    def share(self) -> float:
        return self.agreed / max(self.total - self.later, 1)


def collect_objects(tap: Tap, multiarch: str, clangs: list, cache: Path) -> list:
    found = sorted([*Path(f"/usr/lib/{multiarch}/bpf").glob("*.o"), *Path("/usr/libexec/xdp-tools").glob("*.o")])
    if not found:
        tap.skip("objects of xdp-tools and xdp-tests", "install xdp-tools and xdp-tests")
    found += objects_test.compile_samples(tap, multiarch, clangs[0], cache)
    if not samples.has_vmlinux(cache):
        tap.skip("programs of the selftests", "the running kernel gives no types, or bpftool is absent")
        return found
    jobs = [(clang, source) for source in selftests.programs(cache) for clang in clangs]
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda job: selftests.compile_program(job[0], multiarch, cache, job[1]), jobs))
    tap.report(f"{len(jobs)} XDP sources of the selftests compile", [why for out, why in made if out is None])
    return found + [out for out, _ in made if out is not None]


def compare_objects(tap: Tap, listed: dict, sluice: str, verdicts: str, objects: list) -> None:
    asked = subprocess.run([verdicts, *map(str, objects)], capture_output=True, text=True, check=False)
    tap.check(asked.returncode == 0, "the kernel gives its verdicts of objects", asked.stderr)
    comparison = Comparison(listed)
    unreadable = []
    for line in map(json.loads, asked.stdout.splitlines()):
        path = Path(line["object"])
        stem = path.name.split(".")[0]
        if line.get("unreadable"):
            unreadable.append((stem, line["unreadable"]))
            continue
        rows = objects_test.verify(sluice, path)
        for program, theirs in {**line["programs"], **line.get("unlinked", {})}.items():
            row = rows.get(program, {"verdict": "absent", "code": "", "message": "cannot be linked"})
            ours = row["verdict"] == "accepted"
            comparison.add(stem, program, theirs["accepted"], ours, theirs["why"] if ours else f"{row['code']}: {row['message']}")
    for stem, why in unreadable:  # what the kernel says is not asked: there is nothing to compare with
        comparison.add(stem, "*", True, False, why)
    comparison.report(tap, "programs", {path.name.split(".")[0] for path in objects})
    tap.check(comparison.total >= PROGRAMS_FLOOR, f"{comparison.total} programs compared, at least {PROGRAMS_FLOOR}")


def compare_cases(tap: Tap, listed: dict, verdicts: str, cc: str, cache: Path) -> None:
    program = selftests.build_cases(cc, cache)
    with open(cache / "cases.json", "wb") as out:
        done = subprocess.run([program], stdout=out, stderr=subprocess.PIPE, check=False)
    tap.check(done.returncode == 0, "the kernel gives its verdicts of cases", done.stderr[-1000:])
    with open(cache / "cases.json", "rb") as cases:
        answers = subprocess.run([verdicts], stdin=cases, capture_output=True, text=True, check=False)
    tap.check(answers.returncode == 0, "the verifier gives its verdicts of cases", answers.stderr[-1000:])
    comparison = Comparison(listed)
    files, times = set(), {}
    with open(cache / "cases.json", encoding="utf-8") as cases:
        for case, ours in zip(map(json.loads, cases), map(json.loads, answers.stdout.splitlines())):
            files.add(case["file"])
            key = (case["file"], case["descr"])
            times[key] = times.get(key, 0) + 1
            what = case["descr"] if times[key] == 1 else f"{case['descr']} ({times[key]})"
            why = case["log"] or f"errno {case['errno']}"
            comparison.add(case["file"], what, case["accepted"], ours["accepted"],
                           why if ours["accepted"] else f"{ours['code']}: {ours['message']}")
    comparison.report(tap, "cases", files)
    tap.check(comparison.total >= CASES_FLOOR, f"{comparison.total} cases compared, at least {CASES_FLOOR}")
    tap.check(comparison.share() >= AGREEMENT, f"{AGREEMENT:.0%} of the cases that wait for nothing agree",
              f"{comparison.share():.2%}")


def main() -> int:
    sluice, kernel_verdicts, selftest_verdicts, multiarch, cc, cache = sys.argv[1:7]
    clangs, cache = sys.argv[7:], Path(cache).resolve()
    tap = Tap()
    asked = subprocess.run([kernel_verdicts], capture_output=True, text=True, check=False)
    if asked.returncode == 5:
        tap.skip("the kernel's verdicts", asked.stderr.strip())
        return tap.done()
    if not samples.ARCHIVE.exists():
        tap.skip("the kernel's verdicts", f"{samples.ARCHIVE} is absent: install linux-source-6.1")
        return tap.done()
    listed = read_listed()
    objects = collect_objects(tap, multiarch, clangs, cache)
    compare_objects(tap, listed, sluice, kernel_verdicts, objects)
    compare_cases(tap, listed, selftest_verdicts, cc, cache)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
