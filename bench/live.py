#!/usr/bin/env python3
"""Frames a second of `sluice run` beside dpdk-testpmd: both swap MAC addresses on one null device with copied frames.

    bench/live.py BUILD_DIR [--seconds N] [--rounds N]
Rounds are interleaved, each worker on CPU 1 and the main thread on CPU 0; medians and their ratio are printed. Each round of
Sluice must end with rx = tx + drops, to the frame.
"""
import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DEVICE = "size=64,copy=1"
CONFIG = """version: 1
name: macswap
workers: {{cores: [1], main_core: 0, idle: poll}}
ports:
  p0: {{driver: "null", devargs: "{device}"}}
programs:
  swap: {{object: {build}/programs/macswap.bpf.o}}
pipelines:
  swap: {{entry: swap, on_pass: drop}}
attach:
  - {{ports: [p0], ingress: swap}}
"""


def sluice(build: Path, seconds: int) -> float:
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(CONFIG.format(device=DEVICE, build=build))
        file.flush()
        done = subprocess.run([build / "dataplane/cli/sluice", "run", "--json", "--for", f"{seconds}s", file.name],
                              capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"sluice: exit {done.returncode}\n{done.stderr}")
    report = json.loads(done.stdout)
    if report["frames"] != report["sent"] + report["dropped"]:
        sys.exit(f"frames were lost: {done.stdout}")
    return report["sent"] / report["seconds"]


def testpmd(seconds: int) -> float:
    command = ["dpdk-testpmd", "--lcores", "0@0,1@1", "--main-lcore", "0", "--no-huge", "--no-shconf", "-m", "512", "--no-pci",
               "--no-telemetry", "--vdev", f"net_null0,{DEVICE}", "--", "-i", "--forward-mode=macswap", "--port-topology=loop",
               "--nb-cores=1", "--total-num-mbufs=16384"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    process.stdin.write("start\n")
    process.stdin.flush()
    for line in process.stdout:  # what it says once it forwards; frames are counted between the two looks
        if "packet forwarding" in line:
            break
    time.sleep(1)
    process.stdin.write("clear port stats all\n")
    process.stdin.flush()
    start = time.monotonic()
    time.sleep(seconds)
    process.stdin.write("show port stats all\n")
    process.stdin.flush()
    took = time.monotonic() - start
    out, _ = process.communicate("stop\nquit\n", timeout=60)
    counted = re.findall(r"TX-packets:\s*(\d+)\s+TX-errors", out)
    if not counted or not int(counted[0]):
        sys.exit(f"dpdk-testpmd counted nothing:\n{out[-3000:]}")
    return int(counted[0]) / took


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("build", type=Path)
    options.add_argument("--seconds", type=int, default=10)
    options.add_argument("--rounds", type=int, default=3)
    args = options.parse_args()
    build = args.build.resolve()
    rates = {"dpdk-testpmd macswap": [], "sluice run, macswap": []}
    for _ in range(args.rounds):
        rates["dpdk-testpmd macswap"].append(testpmd(args.seconds))
        rates["sluice run, macswap"].append(sluice(build, args.seconds))
    print(f"net_null with {DEVICE}, one worker, {args.rounds} rounds of {args.seconds} s; rx = tx + drops in each\n")
    base = statistics.median(rates["dpdk-testpmd macswap"])
    print(f"{'':24}{'M frames/s':>11}{'slowest':>9}{'fastest':>9}{'of testpmd':>12}")
    for name, all_rates in rates.items():
        middle = statistics.median(all_rates)
        print(f"{name:24}{middle / 1e6:11.2f}{min(all_rates) / 1e6:9.2f}{max(all_rates) / 1e6:9.2f}{middle / base:12.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
