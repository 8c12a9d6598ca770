#!/usr/bin/env python3
"""Exit codes, help and small verbs of the real binary.

Usage: usage_test.py SLUICE PROGRAMS
"""
import json
import os
import sys
from pathlib import Path

from runner import Run, Tap

ROOT = Path(__file__).resolve().parent.parent.parent
VERBS = [["check"], ["replay"], ["events"], ["graph"], ["schema"], ["explain-error"], ["exec"], ["bench"], ["prog"], ["prog", "show"],
         ["prog", "verify"], ["prog", "dump"], ["prog", "run"]]
USAGE_ERRORS = [[], ["nonsense"], ["check"], ["check", "--nonsense", "a.yaml"], ["check", "--set", "novalue", "a.yaml"],
                ["check", "--set", "=1", "a.yaml"], ["graph"], ["graph", "a.yaml", "b.yaml"], ["replay", "a.yaml"],
                ["replay", "a.yaml", "-i", "lan0"], ["events", "a.yaml"], ["events", "a.yaml", "-i", "lan0"],
                ["events", "l2-switch.yaml", "-i", "p1=../pcaps/l2.pcap"],
                ["prog"], ["prog", "nonsense"], ["prog", "verify"],
                ["prog", "run", "a.o"], ["explain-error"], ["explain-error", "no-such-code"], ["schema", "--page", "x"]]


def main() -> int:
    sluice, programs = map(os.path.abspath, sys.argv[1:3])
    tap = Tap()
    env = {"SLUICE_OBJECTS": programs}

    def run(*args: str, stdin: bytes = b"") -> Run:
        return Run(sluice, list(args), cwd=ROOT / "configs", env=env, stdin=stdin)

    for verb in VERBS:
        done = run(*verb, "--help")
        tap.report(f"help of {' '.join(verb)}", done.problems(0) + ([] if "--help" in done.out else [done.out]))
    for args in USAGE_ERRORS:
        done = run(*args)
        problems = done.problems(2)
        if not done.err or done.out:
            problems.append(f"a usage error speaks on stderr and nowhere else: {done.out!r} {done.err!r}")
        tap.report(f"usage: sluice {' '.join(args)}", problems)
    done = run("--version")
    tap.report("version", done.problems(0) + ([] if done.out.startswith("sluice 0.") else [done.out]))

    done = run("schema")
    problems = done.problems(0)
    if json.loads(done.out or "{}").get("$schema") != "http://json-schema.org/draft-07/schema#":
        problems.append(done.out[:200])
    tap.report("schema is JSON Schema", problems)
    done = run("explain-error", "pkt-bounds")
    tap.report("explain-error", done.problems(0) + ([] if "cure:" in done.out else [done.out]))
    done = run("explain-error", "pkt-bouns")
    tap.report("explain-error suggests", done.problems(2) + ([] if "did you mean 'pkt-bounds'" in done.err else [done.err]))

    capture = str(ROOT / "pcaps/edge.pcap")
    done = run("replay", "-q", "-i", f"lan0={capture}", "--engine", "interp", "--engine", "jit", "edge-router.yaml")
    tap.report("the configuration may stand behind options that repeat", done.problems(0))

    for config in sorted((ROOT / "configs").glob("*.yaml")):
        for form in ("text", "dot"):
            done = run("graph", config.name, "--format", form)
            problems = done.problems(0)
            wanted = "digraph" if form == "dot" else "->"
            if wanted not in done.out:
                problems.append(f"no {wanted}: {done.out[:300]}")
            tap.report(f"graph of {config.name} as {form}", problems)
    tap.report("graph of a form that is not", run("graph", "l2-switch.yaml", "--format", "png").problems(2))
    tap.report("graph of a file that is not", run("graph", "nowhere.yaml").problems(3))
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
