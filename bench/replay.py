#!/usr/bin/env python3
"""Frames a second of `sluice replay` on one core, without and with output, and of pcap_next_ex alone on the same file.

    bench/replay.py BUILD_DIR [--frames N] [--rounds N]       BUILD_DIR was configured with -Dbench=true
The capture (IMIX, 1 M frames, about 350 MB) is made once in BUILD_DIR. The measurements are interleaved, all pinned to one
core, each in a process of its own timed from opening the capture to its end; the median is printed, with the spread.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def seconds(command: list) -> float:
    done = subprocess.run(["taskset", "-c", "0", *map(str, command)], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stderr}")
    result = json.loads(done.stdout)
    return result["seconds"] if "seconds" in result else result["engines"][0]["seconds"]


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("build", type=Path)
    options.add_argument("--frames", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=7)
    args = options.parse_args()
    build = args.build.resolve()
    capture = build / f"imix-{args.frames}.pcap"
    if not capture.exists():
        subprocess.run([sys.executable, ROOT / "pcaps/generate.py", "--imix", str(args.frames), capture], check=True)
    os.environ["SLUICE_OBJECTS"] = str(build / "programs")
    replay = [build / "dataplane/cli/sluice", "replay", "--json", "-i", f"lan0={capture}"]
    rows = {
        "pcap_next_ex alone": [build / "bench/pcap_next_ex", capture],
        "edge-router, no output": [*replay, "configs/edge-router.yaml"],
        "edge-router, output": [*replay, "configs/edge-router.yaml", "-o", f"{build}/bench-out/"],
        "edge-router, no output, interpreter": [*replay, "configs/edge-router.yaml", "--engine", "interp"],
        "l2-switch, no output": [replay[0], "replay", "--json", "-i", f"p1={capture}", "configs/l2-switch.yaml"],
    }
    times = {name: [] for name in rows}
    for _ in range(args.rounds + 1):
        for name, command in rows.items():
            times[name].append(seconds(command))
    base = statistics.median(times["pcap_next_ex alone"][1:])
    print(f"{args.frames} frames, {capture.stat().st_size >> 20} MiB, median of {args.rounds} rounds after one to warm up\n")
    print(f"{'':38}{'M frames/s':>11}{'slowest':>9}{'fastest':>9}{'of pcap_next_ex':>17}")
    for name, all_times in times.items():
        kept = all_times[1:]
        rates = [args.frames / t / 1e6 for t in (statistics.median(kept), max(kept), min(kept))]
        print(f"{name:38}{rates[0]:11.2f}{rates[1]:9.2f}{rates[2]:9.2f}{base / statistics.median(kept):17.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
