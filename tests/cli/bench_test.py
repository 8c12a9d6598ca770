#!/usr/bin/env python3
"""`sluice bench`: the shape of its results and its errors. Times are only asked to be possible.

    bench_test.py SLUICE PROGRAMS KERNEL CLI_OBJECTS      KERNEL: yes when the binary was built with the kernel as peer
"""
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from runner import Run, Tap

ROOT = Path(__file__).resolve().parent.parent.parent
KEYS = ["subject", "program", "engine", "ns", "ns_min", "ns_max", "rounds", "frames", "insns", "call_ns", "kernel_ratio",
        "kernel_ratio_without_call", "changes_frames"]
UNPRIVILEGED = ["setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]


def shape(rows: list, engines: list) -> list:
    found = [] if [row["engine"] for row in rows] == engines else [f"engines {[row['engine'] for row in rows]}"]
    for row in rows:
        if list(row) != KEYS:
            found.append(f"keys {list(row)}")
        if not 0 < row["ns_min"] <= row["ns"] <= row["ns_max"] < 1e6:
            found.append(f"times {row}")
        if (row["insns"] is not None) != (row["engine"] == "interp"):
            found.append(f"insns {row}")
    return found


def rows_of(run: Run) -> list:
    return json.loads(run.out) if run.code == 0 else []


# `mode` chooses what p1's frames run; the frame measured is for 10.0.0.2.
CHAINED = """version: 1
ports: {p1: {device: eth0, ifindex: 1}, p2: {device: eth1, ifindex: 2, mac: "02:00:00:00:00:02"}}
programs:
  d: {object: "${SLUICE_OBJECTS}/drop.bpf.o", function: xdp_drop}
  r: {object: "${CLI_OBJECTS}/asks.bpf.o", function: route}
pipelines: {p: {MODE, on_pass: drop}}
attach: [{ports: [p1], ingress: p}]
FIB
"""
FIB = 'fib: {routes: [{to: 10.0.0.0/8, port: p2}], neighbours: [{address: 10.0.0.2, port: p2, mac: "02:aa:00:00:00:07"}]}'


def chains(tap: Tap, bench, folder: Path) -> None:
    """`chain:` runs link by link as verdicts allow, and programs find the file's routes."""
    config = folder / "chain.yaml"

    def measured(mode: str, fib: str = "") -> tuple:
        config.write_text(CHAINED.replace("MODE", mode).replace("FIB", fib))
        run, wrong = bench(config, "--json", "--rounds", "2")
        rows = rows_of(run)
        return rows, wrong + shape(rows, ["interp", "jit"])

    for mode, insns in (("chain: [{program: d, continue_on: [drop]}, {program: d, continue_on: [drop]}, d]", 6),
                        ("chain: [{program: d, continue_on: [pass]}, d]", 2)):
        rows, wrong = measured(mode)
        tap.report(f"{mode}: {insns} instructions a frame", wrong + ([] if rows and rows[0]["insns"] == insns else [rows]))
    for mode in ("entry: r", "chain: [{program: d, continue_on: [drop]}, r]"):
        for fib, changes in (("", False), (FIB, True)):
            rows, wrong = measured(mode, fib)
            right = len(rows) == 2 and all(row["changes_frames"] == changes for row in rows)
            tap.report(f"{mode}: {'a' if changes else 'no'} route is found", wrong + ([] if right else [rows]))
    run, wrong = bench(config, "--against", "kernel", "--rounds", "2", code=2)
    tap.report("a chain against the kernel is refused", wrong + ([] if "not for a `chain:`" in run.err else [run.err]))


def main() -> int:
    sluice, programs, with_kernel = os.path.abspath(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "yes"
    tap = Tap()
    drop = str(programs / "drop.bpf.o")
    env = {"SLUICE_OBJECTS": str(programs), "CLI_OBJECTS": os.path.abspath(sys.argv[4])}
    one, quick = ["--program", "xdp_drop"], ["--rounds", "2"]

    def bench(*args, code=0):
        run = Run(sluice, ["bench", *map(str, args)], cwd=ROOT, env=env)
        return run, run.problems(code)

    run, wrong = bench(drop, *one, "--json", *quick)
    rows = rows_of(run)
    tap.report("an object on both engines", wrong + shape(rows, ["interp", "jit"]))
    tap.report("drop is two instructions", [] if rows and rows[0]["insns"] == 2 else [rows])
    tap.report("drop leaves frames alone", [] if rows and not rows[0]["changes_frames"] else [rows])
    run, wrong = bench(drop, *one, "--engine", "jit", *quick)
    tap.report("as text", wrong + ([] if "NS/FRAME" in run.out and "jit" in run.out else [run.out]))
    run, wrong = bench("configs/edge-router.yaml", "--port", "lan0", "--pcap", "pcaps/imix.pcap", "--json", *quick)
    rows = rows_of(run)
    tap.report("a pipeline on a capture", wrong + shape(rows, ["interp", "jit"]))
    tap.report("64 frames of it", [] if rows and rows[0]["frames"] == 64 else [rows])
    tap.report("the router changes frames", [] if rows and rows[0]["changes_frames"] else [rows])

    cases = {
        "an unknown engine": (2, [drop, "--engine", "warp"]),
        "an engine that is not built": (2, [drop, "--engine", "opt"]),
        "an unknown peer": (2, [drop, "--against", "windows"]),
        "no round": (2, [drop, "--rounds", "0"]),
        "an unknown program": (2, [drop, "--program", "nothing"]),
        "a port of an object": (2, [drop, "--port", "lan0"]),
        "a program of a pipeline": (2, ["configs/edge-router.yaml", "--program", "firewall"]),
        "an unknown port": (2, ["configs/edge-router.yaml", "--port", "lan7"]),
        "no file": (5, ["nothing.o"]),
        "no capture": (5, [drop, *one, "--pcap", "nothing.pcap"]),
    }
    with tempfile.TemporaryDirectory() as folder:
        broken = Path(folder) / "broken.yaml"
        broken.write_text("version: 1\nportz: {}\n")
        cases["a broken pipeline file"] = (3, [broken])
        for name, (code, args) in cases.items():
            run, wrong = bench(*args, *([] if "--rounds" in args else quick), code=code)
            tap.report(name, wrong + ([] if run.err and not run.out else ["nothing said"]))
        chains(tap, bench, Path(folder))

    if not with_kernel:
        run, wrong = bench(drop, *one, "--against", "kernel", code=5)
        tap.report("without the kernel as peer it is exit 5", wrong)
        return tap.done()
    run, wrong = bench(drop, *one, "--against", "kernel", "--json", *quick, code=0)
    if run.code == 5:
        tap.report("the kernel may not be asked: a clear error", [] if "bpf(2)" in run.err else [run.err])
        tap.skip("against the kernel", run.err.strip())
        return tap.done()
    rows = rows_of(run)
    tap.report("against the kernel", wrong + shape(rows, ["interp", "jit", "kernel"]))
    tap.report("ratios are with a call and without", [] if rows and rows[1]["kernel_ratio"] >= rows[1]["kernel_ratio_without_call"] >= 0
               and rows[2]["call_ns"] > 0 else [rows])
    run, wrong = bench("configs/edge-router.yaml", "--port", "lan0", "--pcap", "pcaps/imix.pcap", "--against", "kernel", "--json",
                       *quick)
    tap.report("three stages by tail calls in the kernel too", wrong + shape(rows_of(run), ["interp", "jit", "kernel"]))
    tap.report("it says that frames change", [] if "changes its frames" in run.err else [run.err])
    if os.geteuid() == 0:
        # As nobody, who may not read where this lies.
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            copied, there = (shutil.copy(path, folder) for path in (drop, sluice))
            run = Run(UNPRIVILEGED[0], [*UNPRIVILEGED[1:], there, "bench", copied, *one, "--against", "kernel", *quick], cwd=folder)
        tap.report("an ordinary user gets exit 5 and why", run.problems(5) + ([] if "bpf(2)" in run.err else [run.err]))
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
