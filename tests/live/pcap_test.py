#!/usr/bin/env python3
"""`sluice run` on capture files as an ordinary user without huge pages writes the frames that `sluice replay` writes.

    pcap_test.py SLUICE OBJECTS        TAP on standard output; as root it becomes user 65534 for the runs
"""
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from lab import NOBODY, ROOT, Lab, Tap, environment, skip_all, without_live_ports

# A run's clock is the wall's: a limit of SYNs a second would let others pass than in a replay of the capture's time stamps.
CASES = [
    {"config": "edge-router.yaml", "input": ("lan0", "imix.pcap"), "ports": ["wan0", "lan0", "punt"],
     "sets": ["programs.firewall.globals.syn_pps_limit=1000000"]},
    {"config": "l2-switch.yaml", "input": ("p1", "l2.pcap"), "ports": ["p1", "p2", "p3", "host0"], "sets": []},
    {"config": "balancer.yaml", "input": ("uplink", "balancer.pcap"), "ports": ["uplink", "host0"], "sets": []},
]
# What this one says of worker 1 is refused where there is but one. Its queues have room for the whole capture.
SPREAD = {"config": "cpu-spread.yaml", "input": ("left", "imix.pcap"), "ports": ["left", "right"], "sets": []}


def frames_of(path: Path) -> list:
    """The frames of a classic capture of either byte order, without their time stamps."""
    data = path.read_bytes()
    order = "<" if data[0] in (0xD4, 0x4D) else ">"
    frames, at = [], 24
    while at < len(data):
        size, = struct.unpack_from(order + "I", data, at + 8)
        frames.append(data[at + 16:at + 16 + size])
        at += 16 + size
    return frames


def sandbox(lab: Lab, scratch: Path) -> None:
    """A copy of what a run needs where any user may read it; `out` and `live` are for any user to write to."""
    for folder in ("configs", "pcaps"):
        shutil.copytree(ROOT / folder, scratch / folder)
    shutil.copytree(lab.objects, scratch / "objects", ignore=lambda _, names: [n for n in names if not n.endswith(".o")])
    shutil.copy(lab.sluice, scratch / "sluice")
    for path in [scratch, *scratch.rglob("*")]:
        path.chmod(path.stat().st_mode | 0o555)
    for folder in ("out", "live"):
        (scratch / folder).mkdir()
        (scratch / folder).chmod(0o777)
    lab.sluice, lab.objects = str(scratch / "sluice"), str(scratch / "objects")


def compare(lab: Lab, tap: Tap, scratch: Path, case: dict, workers: int) -> None:
    name = f"{case['config']}, {workers} worker{'s' * (workers > 1)}"
    port, capture = case["input"]
    sets = [f"workers.count={workers}", "dpdk.hugepages=auto", *case["sets"]]
    for one in case["ports"]:
        sets += [f"ports.{one}.driver=pcap", f"ports.{one}.tx={scratch}/live/{one}.pcap"]
    sets.append(f"ports.{port}.rx={scratch}/pcaps/{capture}")
    run = lab.start(scratch / "configs" / case["config"], sets=sets, args=["--for", "3s"], user=NOBODY)
    report = run.end()
    tap.report(f"{name}: it runs as an ordinary user", report.problems(0))
    if not report.json:
        return
    tap.check("without huge pages" in report.err, f"{name}: and without huge pages", report.err)

    command = [lab.sluice, "replay", "-q", str(scratch / "configs" / case["config"]), "-i",
               f"{port}={scratch}/pcaps/{capture}", "-o", f"{scratch}/out/", *[w for s in case["sets"] for w in ("--set", s)]]
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          env=environment({"SLUICE_OBJECTS": lab.objects}))
    tap.check(done.returncode == 0, f"{name}: the same as a replay", done.stderr)
    received = len(frames_of(scratch / "pcaps" / capture))
    tap.check(report.ports[port]["rx_frames"] == received, f"{name}: all {received} frames were received", report.out)
    total = missing = 0
    for one in case["ports"]:
        want, got = (frames_of(scratch / folder / f"{one}.pcap") for folder in ("out", "live"))
        if workers == 1:
            first = next((i for i, pair in enumerate(zip(got, want)) if pair[0] != pair[1]), min(len(got), len(want)))
            tap.check(want == got, f"{name}: {one} sends the {len(want)} frames of the replay",
                      f"{len(got)} frames; first difference at {first}:\n{got[first:first + 1]}\n{want[first:first + 1]}")
        else:
            strangers = Counter(got) - Counter(want)
            tap.check(not strangers, f"{name}: {one} sends frames of the replay, in any order", list(strangers)[:2])
        tap.check(report.ports[one]["tx_frames"] == len(got), f"{name}: and counts them", report.ports[one])
        total, missing = total + len(got), missing + len(want) - len(got)
    tap.check(total > 20, f"{name}: frames are sent at all", total)
    # A file gives frames faster than the next worker may take them.
    full = sum(report.drops.get(reason, 0) for reason in ("dispatch_full", "tx_full"))
    tap.check(missing <= (full if workers > 1 else 0), f"{name}: none is missing that a full queue did not drop",
              f"{missing} missing, {report.drops}")


def main() -> int:
    sluice, objects = sys.argv[1:3]
    if without_live_ports(sluice):
        return skip_all("this build has no live ports")
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        return skip_all("needs setpriv (Debian: util-linux) to become an ordinary user")
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder, Lab(sluice, objects, namespaces=False) as lab:
        sandbox(lab, Path(folder))
        for case in CASES:
            compare(lab, tap, Path(folder), case, workers=1)
        # A flow stays with its worker, so that order is all that may differ.
        compare(lab, tap, Path(folder), CASES[0], workers=2)
        compare(lab, tap, Path(folder), SPREAD, workers=2)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
