#!/usr/bin/env python3
"""Sends real captures through the shipped pipelines on both engines: Ethernet ones through all, others through one.

    captures_test.py SLUICE OBJECTS [FOLDER]

FOLDER (default: $SLUICE_CAPTURES, else ../shared/captures beside the checkout) holds other people's captures; where it is
absent the test skips. Ethernet captures must give equal outputs on both engines and counters that add up, everything else a
clear error and exit 5; frames read must be what Wireshark's capinfos counts; nothing may crash.
"""
import csv
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "support"))
from tap import Tap  # noqa: E402

PIPELINES = {"edge-router": "lan0", "l2-switch": "p1", "balancer": "uplink", "cpu-spread": "left"}
MIXED = ("unknown", "per-packet")  # no frames, or interfaces of several types: the frames decide
EXIT_OK, EXIT_ENVIRONMENT = 0, 5


def wireshark_counts(files: list) -> dict:
    """file -> (encapsulation, frames) for those that Wireshark reads."""
    run = subprocess.run(["capinfos", "-T", "-m", "-Q", "-c", "-E", *files], capture_output=True, text=True)
    rows = list(csv.reader(run.stdout.splitlines()))[1:]
    return {row[0]: (row[1], int(row[2])) for row in rows if len(row) == 3}


def replay(sluice: str, objects: str, pipeline: str, capture: str):
    command = [sluice, "replay", f"configs/{pipeline}.yaml", "-i", f"{PIPELINES[pipeline]}={capture}", "--engine", "interp",
               "--engine", "jit", "--json"]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, "SLUICE_OBJECTS": objects}, capture_output=True, text=True)


def problem(run, encapsulation, frames) -> str:
    """What is wrong with the outcome of one replay; empty when nothing is. `frames` None: Wireshark cannot read the file."""
    if run.returncode not in (EXIT_OK, EXIT_ENVIRONMENT):
        return f"exit {run.returncode}\n{run.stderr[-2000:]}"
    if run.returncode == EXIT_ENVIRONMENT and (not run.stderr.startswith("sluice: ") or len(run.stderr) > 1000):
        return f"exit 5 without a clear error:\n{run.stderr[-2000:]}"
    if frames is None:
        return "" if run.returncode == EXIT_ENVIRONMENT else "Wireshark cannot read it, yet exit 0"
    mixed = encapsulation in MIXED
    if encapsulation != "ether" and not (mixed and run.returncode == EXIT_OK):
        return "" if run.returncode == EXIT_ENVIRONMENT else f"link type {encapsulation}, yet exit 0"
    if not run.stdout:
        return f"no result for an Ethernet capture: {run.stderr}"
    result = json.loads(run.stdout)
    if not result["balanced"] or result["difference"]:
        return run.stdout
    return "" if result["frames"] == frames else f"{result['frames']} frames read, Wireshark counts {frames}: {run.stderr}"


def main() -> int:
    sluice, objects = (os.path.abspath(a) for a in sys.argv[1:3])
    folder = Path(sys.argv[3] if len(sys.argv) > 3 else os.environ.get("SLUICE_CAPTURES", ROOT.parent / "shared/captures"))
    tap = Tap()
    files = [str(p.resolve()) for p in sorted(folder.glob("*/*.pcap*"))] if folder.is_dir() else []
    if not files:
        tap.skip("real captures", f"{folder} holds none; set SLUICE_CAPTURES")
        return tap.done()
    counts = wireshark_counts(files)
    # What has no Ethernet frames is refused by the reader, whatever the pipeline.
    refused = next(iter(PIPELINES))
    jobs = [(pipeline, file) for file in files for pipeline in PIPELINES
            if pipeline == refused or counts.get(file, ("",))[0] in ("ether", *MIXED)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = pool.map(lambda job: replay(sluice, objects, *job), jobs)
        problems = {}
        for (pipeline, file), run in zip(jobs, runs):
            wrong = problem(run, *counts.get(file, (None, None)))
            if wrong:
                problems.setdefault(file, f"{pipeline}: {wrong}")
    for file in files:
        tap.check(file not in problems, "/".join(Path(file).parts[-2:]), problems.get(file, ""))
    tap.check(sum(1 for f in files if counts.get(f, ("", 0))[0] == "ether") > 0, "some of them are Ethernet")
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
