#!/usr/bin/env python3
"""`sluice check` on configurations that are broken, each in one way, through the real binary.

Usage: check_test.py SLUICE PROGRAMS CLI_OBJECTS
Beside each tests/cli/broken/NAME.yaml stands NAME.expected: the exit code and what is printed. SLUICE_REBASE=1 writes
these files anew; review the difference. The files of tests/config/broken, which need no object, run here as well.
"""
import difflib
import json
import os
import re
import sys
import tempfile
from pathlib import Path

from runner import Run, Tap

HERE = Path(__file__).resolve().parent
PLACE = re.compile(r"^[^\n]*:\d+:\d+: error\[[a-z-]+\]: ", re.MULTILINE)
WHOLE_FILE = {"empty", "not-utf8", "control-character"}  # mistakes that have no column


class Tester:
    def __init__(self, sluice: str, programs: str, objects: str):
        self.sluice = sluice
        self.places = {programs: "PROGRAMS", objects: "OBJECTS"}
        self.env = {"SLUICE_OBJECTS": programs, "CLI_OBJECTS": objects}
        self.tap = Tap()

    def run(self, args: list[str], cwd: Path) -> Run:
        return Run(self.sluice, args, cwd=cwd, env=self.env)

    def neutral(self, text: str) -> str:
        """Without paths of this machine and without what a clock measured."""
        for path, name in self.places.items():
            text = text.replace(path, name)
        return re.sub(r"[^\s:]*tests/cli/objects/", "SOURCES/", text)

    def golden(self, path: Path) -> None:
        run = self.run(["check", path.name], path.parent)
        actual = f"exit {run.code}\n{self.neutral(run.err)}"
        expected_path = path.with_suffix(".expected")
        if os.environ.get("SLUICE_REBASE"):
            expected_path.write_text(actual)
        expected = expected_path.read_text() if expected_path.exists() else ""
        problems = run.problems(4 if expected.startswith("exit 4\n") else 3)
        if actual != expected:
            problems.append("\n".join(difflib.unified_diff(expected.splitlines(), actual.splitlines(), "expected",
                                                           "actual", lineterm="")))
        if run.out:
            problems.append(f"printed results: {run.out[:500]}")
        if run.code == 3 and not PLACE.search(run.err):
            problems.append("no FILE:LINE:COLUMN")
        self.tap.report(path.stem, problems + self.as_json(path, run))

    def as_json(self, path: Path, text: Run) -> list[str]:
        """--json says the same: exit code, and every place that the text has."""
        run = self.run(["check", "--json", path.name], path.parent)
        problems = run.problems(text.code)
        if run.err:
            problems.append(f"--json wrote to stderr: {run.err[:500]}")
        try:
            checked = json.loads(run.out)["files"][0]
        except (ValueError, KeyError, IndexError) as error:
            return problems + [f"--json: {error}: {run.out[:500]}"]
        if checked["ok"] or checked["exit"] != text.code:
            problems.append(f"--json: ok={checked['ok']} exit={checked['exit']}")
        for d in checked["diagnostics"]:
            line = f"{d['file']}:{d['line']}:{d['column']}: {d['severity']}[{d['code']}]: "
            if d["line"] and d["column"] and line not in text.err:
                problems.append(f"--json only: {line}")
        return problems

    def config_only(self, path: Path) -> None:
        run = self.run(["check", path.name], path.parent)
        problems = run.problems(3)
        if not run.err.startswith(path.with_suffix(".expected").read_text()):
            problems.append(f"not the text of {path.stem}.expected:\n{run.err}")
        if path.stem not in WHOLE_FILE and not PLACE.search(run.err) and "error[config-size]" not in run.err:
            problems.append("no FILE:LINE:COLUMN")
        self.tap.report("config/" + path.stem, problems)

    def generated(self) -> None:
        """Files too large to keep."""
        size = 10 << 20
        texts = {
            "10 MB of [": "version: 1\nx: " + "[" * size,
            "10 MB of {": "version: 1\nx: " + "{" * size,
            "10 MB of nested mappings": "version: 1\nx: " + "{a: " * (size // 4),
            "10 MB of sequence marks": "version: 1\nx:\n  " + "- " * (size // 2),
            "10 MB of one line": "version: 1\nname: " + "x" * size,
            "17 MB of comments": ("#" * 79 + "\n") * ((17 << 20) // 80),
        }
        with tempfile.TemporaryDirectory() as directory:
            for name, text in texts.items():
                path = Path(directory) / "big.yaml"
                path.write_text(text)
                run = self.run(["check", "big.yaml"], Path(directory))
                problems = run.problems(3)
                if len(run.err) > 5000 or "error[" not in run.err:
                    problems.append(f"{len(run.err)} characters of diagnostics: {run.err[:500]}")
                self.tap.report(name, problems)
            run = self.run(["check", "missing.yaml"], Path(directory))
            self.tap.report("a file that is not there", run.problems(3))
            run = self.run(["check", "."], Path(directory))
            self.tap.report("a directory", run.problems(3))

    def good(self) -> None:
        configs = sorted((HERE.parent.parent / "configs").glob("*.yaml"))
        for path in configs:
            run = self.run(["check", path.name], path.parent)
            problems = run.problems(0)
            if "config     ok" not in run.out or "verified" not in run.out:
                problems.append(run.out)
            self.tap.report("shipped " + path.name, problems)
        broken = HERE / "broken" / "key-too-large.yaml"
        run = self.run(["check", str(configs[0]), str(broken), str(configs[0])], HERE)
        problems = run.problems(3)
        if run.out.count("config     ok") != 2:
            problems.append("the good files beside a broken one are not reported")
        self.tap.report("a broken file among good ones", problems)
        run = self.run(["check", "--set", "ports.wan0.mtu=12", "edge-router.yaml"], configs[0].parent)
        problems = run.problems(3)
        if "--set ports.wan0.mtu:1:1: error[config-range]" not in run.err:
            problems.append(run.err)
        self.tap.report("a broken --set", problems)


def main() -> int:
    tester = Tester(*map(os.path.abspath, sys.argv[1:4]))
    for path in sorted((HERE / "broken").glob("*.yaml")):
        tester.golden(path)
    for path in sorted((HERE.parent / "config/broken").glob("*.yaml")):
        tester.config_only(path)
    tester.generated()
    tester.good()
    return tester.tap.done()


if __name__ == "__main__":
    sys.exit(main())
