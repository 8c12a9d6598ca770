#!/usr/bin/env python3
"""Runs every scenario folder: a shipped pipeline over shipped captures, on both engines, twice; outputs and counters must be
those in expected/, byte for byte.

    scenario_test.py SLUICE OBJECTS [NAME...]             TAP on standard output
    scenario_test.py SLUICE OBJECTS --rebase [NAME...]    writes expected/ anew, to be reviewed as a diff

scenario.json: {"config", "inputs": {port: capture}, "golden": "bytes" | "sha256"}; paths from the root.
"""
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "support"))
from tap import Tap  # noqa: E402


def replay(sluice: str, objects: str, scenario: dict, engine: str, out: Path) -> dict:
    """Runs the scenario; returns its counters without what varies from run to run."""
    command = [sluice, "replay", scenario["config"], "--engine", engine, "-o", f"{out}/", "--json"]
    for port, capture in scenario["inputs"].items():
        command += ["-i", f"{port}={capture}"]
    run = subprocess.run(command, cwd=ROOT, env={**os.environ, "SLUICE_OBJECTS": objects}, capture_output=True, text=True)
    if run.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit {run.returncode}\n{run.stderr}")
    counters = json.loads(run.stdout.replace(f"{out}/", ""))  # outputs by name: the folder differs from run to run
    counters.pop("engines")
    return counters


def content(folder: Path) -> dict:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != "expected.json"}


def digest(files: dict) -> dict:
    return {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


def run_scenario(tap: Tap, sluice: str, objects: str, folder: Path, rebase: bool) -> None:
    scenario = json.loads((folder / "scenario.json").read_text())
    expected = folder / "expected"
    runs = []
    with tempfile.TemporaryDirectory() as scratch:
        for number, engine in enumerate(("interp", "jit", "jit")):
            out = Path(scratch) / str(number)
            try:
                counters = replay(sluice, objects, scenario, engine, out)
            except RuntimeError as error:
                tap.check(False, f"{folder.name}: {engine} runs", error)
                return
            runs.append((counters, content(out)))
        counters, files = runs[0]
        if rebase:
            expected.mkdir(exist_ok=True)
            for old in expected.iterdir():
                old.unlink()
            if scenario["golden"] == "bytes":
                for name, data in files.items():
                    (expected / name).write_bytes(data)
            (expected / "expected.json").write_text(
                json.dumps({"counters": counters, "sha256": digest(files)}, indent=1) + "\n")
        want = json.loads((expected / "expected.json").read_text())
        tap.check(any(len(data) > 24 for data in files.values()), f"{folder.name}: frames are written")
        tap.check(counters["balanced"], f"{folder.name}: counters add up", counters)
        tap.check(counters == want["counters"], f"{folder.name}: counters are the expected ones", counters)
        tap.check(digest(files) == want["sha256"], f"{folder.name}: outputs are the expected ones", digest(files))
        if scenario["golden"] == "bytes":
            tap.check(content(expected) == files, f"{folder.name}: golden captures are those of the digest")
        tap.check(runs[1] == runs[0], f"{folder.name}: jit and interp agree byte for byte")
        tap.check(runs[2] == runs[1], f"{folder.name}: a second run gives the same bytes")


def main() -> int:
    sluice, objects, *names = sys.argv[1:]
    rebase = "--rebase" in names
    names = [n for n in names if n != "--rebase"]
    tap = Tap()
    for folder in sorted(p.parent for p in HERE.glob("*/scenario.json")):
        if not names or folder.name in names:
            run_scenario(tap, os.path.abspath(sluice), os.path.abspath(objects), folder, rebase)
    configs = {json.loads(p.read_text())["config"] for p in HERE.glob("*/scenario.json")}
    for config in sorted(ROOT.glob("configs/*.yaml")):
        tap.check(f"configs/{config.name}" in configs, f"{config.name} has a scenario")
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
