#!/usr/bin/env python3
"""Mutants of the verifier's number operators: each a small mistake in the source, each compiled into the exhaustive tests of
narrow widths, which must notice it. By hand or nightly; not part of the suite.

A mutant is killed when it does not compile, when a test fails (an unsound result, or a line of
tests/unit/verifier/optimality.txt that changes), or when it does not end in time. What survives is listed with its line:
either it means the same as the original, or a test is missing. The draw of --sample is seeded.

    tools/mutate_operators.py --sample 100 --seed 1 --report survivors.txt
    tools/mutate_operators.py --each-function --seed 1
"""

import argparse
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests/unit/verifier"
SOURCES = ["tnum.h", "interval_ops.h", "scalar_impl.h"]
TEST_FILES = ["scalar_exhaustive_test.cc", "tnum_exhaustive_test.cc"]

# What a token may become. Binary operators are recognised by the spaces clang-format puts around them.
OPERATORS = {
    " + ": [" - "], " - ": [" + "], " * ": [" + "], " / ": [" % "], " % ": [" / "],
    " & ": [" | "], " | ": [" & "], " ^ ": [" | "], " << ": [" >> "], " >> ": [" << "],
    " < ": [" <= ", " > "], " <= ": [" < "], " > ": [" >= ", " < "], " >= ": [" > "],
    " == ": [" != "], " != ": [" == "], " && ": [" || "], " || ": [" && "],
}
WORDS = {
    "umin": ["umax"], "umax": ["umin"], "smin": ["smax"], "smax": ["smin"], "min": ["max"], "max": ["min"],
    "true": ["false"], "false": ["true"], "kAlways": ["kNever"], "kNever": ["kAlways"], "kMin": ["kMax"],
    "kMax": ["kMin"], "mask": ["value"], "value": ["mask"], "0": ["1"], "1": ["0", "2"],
}
OPERATOR = re.compile("|".join(re.escape(o) for o in sorted(OPERATORS, key=len, reverse=True)))
WORD = re.compile(r"(?<![\w.:'])(?:" + "|".join(map(re.escape, WORDS)) + r")\b|(?<=\.)(?:umin|umax|smin|smax|mask|value)\b"
                  r"|(?<=::)(?:min|max|kAlways|kNever|kMin|kMax)\b")
NOT = re.compile(r"(?<=[\s(])[!~](?=[\w(])")
STATEMENT = re.compile(r"^\s+(?:(?:else )?if \(.*;|[\w.>-]+\(.*\);|[\w.]+ (?:=|[-+|&^]=) .*;|(?:\+\+|--)[\w.]+;)$")


def code_of(line):
    """The line without its comment; nothing for lines that cannot be mutated in a way that means something."""
    code = line.split("//", 1)[0]
    return "" if code.lstrip().startswith(("#", "template", "using ", "namespace", "static_assert")) else code


def mutants(name):
    """Yields (line number, what was done, the new source)."""
    lines = (ROOT / "verifier" / name).read_text().split("\n")

    def with_line(i, text):
        return "\n".join(lines[:i] + [text] + lines[i + 1:])

    for i, line in enumerate(lines):
        code = code_of(line)
        rest = line[len(code):]
        for pattern, table in ((OPERATOR, OPERATORS), (WORD, WORDS)):
            for match in pattern.finditer(code):
                for new in table.get(match[0], []):
                    text = code[:match.start()] + new + code[match.end():] + rest
                    yield i + 1, f"'{match[0].strip()}' -> '{new.strip()}' at column {match.start() + 1}", with_line(i, text)
        for match in NOT.finditer(code):
            yield (i + 1, f"'{match[0]}' dropped at column {match.start() + 1}",
                   with_line(i, code[:match.start()] + code[match.end():] + rest))
        if STATEMENT.match(code.rstrip()):
            yield i + 1, "line dropped", with_line(i, "")


DEFINITION = re.compile(r"^(?:  )?(?!  )[\w<>:&*, ]+?[ &*](?:\w+<Bits>::)?(\w+)\([^;]*$|^(?:  )?\[\[nodiscard\]\].* (\w+)\(.*\{$")


def one_a_function(every, seed):
    """One of the mutants of each function, in the order of the source."""
    draw, groups = random.Random(seed), {}
    for mutant in every:
        name, line = mutant[0], mutant[1]
        above = (ROOT / "verifier" / name).read_text().split("\n")[:line]
        function = next((text for text in reversed(above) if DEFINITION.match(text)), "")
        groups.setdefault((name, function), []).append(mutant)
    return [draw.choice(group) for group in groups.values()]


def judge(folder, compiler, seconds):
    """What becomes of the headers in `folder`/verifier, which stand before the tree's."""
    test = folder / "test"
    define = f'-DSLUICE_OPTIMALITY="{TESTS / "optimality.txt"}"'
    built = subprocess.run(
        [*compiler, "-std=c++20", "-O1", "-w", define, "-I", folder, "-I", ROOT,
         *(TESTS / file for file in TEST_FILES), "-o", test, "-lgtest", "-lgtest_main", "-lpthread"],
        capture_output=True, text=True, check=False)
    if built.returncode != 0:
        return "does not compile", built.stderr
    try:
        ran = subprocess.run([test, "--gtest_brief=1", "--gtest_fail_fast"], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return "killed (no end)", ""
    return ("survives" if ran.returncode == 0 else "killed"), ran.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, help="so many of all mutants, drawn by --seed; without it all")
    parser.add_argument("--each-function", action="store_true", help="one of each function, drawn by --seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, help="stop after so long and report what was done")
    parser.add_argument("--skip", type=int, default=0, help="leave out so many of those drawn, to go on where a run stopped")
    parser.add_argument("--timeout", type=float, default=120, help="seconds a test may run")
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--file", action="append", choices=SOURCES, help="only this header; may be repeated")
    parser.add_argument("--report", type=pathlib.Path, help="where survivors go as well")
    parser.add_argument("--list", action="store_true", help="count the mutants and end")
    args = parser.parse_args()

    every = [(name, *mutant) for name in args.file or SOURCES for mutant in mutants(name)]
    if args.each_function:
        every = one_a_function(every, args.seed)
    if args.list:
        print(f"{len(every)} mutants")
        return 0
    if args.sample is not None:
        every = random.Random(args.seed).sample(every, min(args.sample, len(every)))
    every = every[args.skip:]
    counts, survivors, done = {}, [], 0
    end = time.monotonic() + 60 * args.minutes if args.minutes else float("inf")
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        (folder / "verifier").mkdir()
        compiler = args.compiler.split()
        verdict, output = judge(folder, compiler, args.timeout)
        if verdict != "survives":
            print(f"the tests fail without a mutant: {verdict}\n{output}", file=sys.stderr)
            return 2
        for name, line, what, text in every:
            if time.monotonic() > end:
                break
            mutated = folder / "verifier" / name
            mutated.write_text(text)
            verdict, _ = judge(folder, compiler, args.timeout)
            mutated.unlink()
            counts[verdict] = counts.get(verdict, 0) + 1
            done += 1
            print(f"{verdict:16} {name}:{line}: {what}", flush=True)
            if verdict == "survives":
                source = (ROOT / "verifier" / name).read_text().split("\n")[line - 1].strip()
                survivors.append(f"{name}:{line}: {what}: {source}")
    print(f"\n{done} of {len(every)} mutants: " + ", ".join(f"{n} {v}" for v, n in sorted(counts.items())))
    if args.report:
        args.report.write_text("".join(s + "\n" for s in survivors))
    return 0


if __name__ == "__main__":
    sys.exit(main())
