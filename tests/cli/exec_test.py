#!/usr/bin/env python3
"""`sluice exec`, the door of the public bpf_conformance suite, on the generated cases of tests/conformance.

    exec_test.py SLUICE CONFORMANCE_SAMPLES

Every row of the instruction table that has cases is in some program; each program leaves a hash of all its results in r0.
"""
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import run

sys.path.insert(0, str(Path(__file__).resolve().parent))
from runner import Run, Tap  # noqa: E402

ENGINES = ("interp", "jit")
CASES = 100_000  # of a row: all of them
PROGRAMS_FLOOR = 100
# What it refuses, and how: arguments, standard input, exit code, part of the message.
REFUSED = [
    (["zz"], b"95 00 00 00 00 00 00 00", 2, "the memory is not hex"),
    ([], b"95 00 00", 2, "the program has 3 bytes, expected a multiple of 8"),
    ([], b"", 2, "the program has 0 bytes"),
    ([], b"nothing", 2, "the program on standard input is not hex"),
    ([], b"ff 00 00 00 00 00 00 00 95 00 00 00 00 00 00 00", 4, "bad-insn"),
    ([], b"95 00 00 00 00 00 00 00", 4, "uninit-read"),
    (["--engine", "fast"], b"95 00 00 00 00 00 00 00", 2, "fast"),
]


def wrong(sluice: str, line: str, engine: str) -> list[str]:
    _, program, memory, expected = line.split()
    done = Run(sluice, ["exec", "--engine", engine, memory], stdin=program.encode())
    problems = done.problems(0)
    if not problems and int(done.out, 16) != int(expected, 16):
        problems.append(f"r0 is {done.out.strip()}, expected {expected}")
    return problems


def main() -> int:
    sluice, samples = sys.argv[1:3]
    tap = Tap()
    printed = run([samples, str(CASES)], capture_output=True, text=True, check=True).stdout.splitlines()
    tap.check(len(printed) >= PROGRAMS_FLOOR, f"{len(printed)} programs, at least {PROGRAMS_FLOOR}")
    jobs = [(line, engine) for line in printed for engine in ENGINES]
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda job: wrong(sluice, *job), jobs)
        for (line, engine), problems in zip(jobs, found):
            tap.report(f"{line.split()[0]} on {engine}", problems)
    for arguments, stdin, code, message in REFUSED:
        done = Run(sluice, ["exec", *arguments], stdin=stdin)
        problems = done.problems(code) + ([] if message in done.err else [f"not said: {message}\n{done.err}"])
        tap.report(f"refused: {message}", problems)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
