#!/usr/bin/env python3
"""Programs that write records see a reader in `sluice run`, and every record is counted or counted as lost.

    records_test.py SLUICE PROGRAMS OBJECTS        TAP on standard output; any user
"""
import os
import sys
import tempfile
from pathlib import Path

from lab import ROOT, Lab, Tap, skip_all, without_live_ports

FRAMES = 2400  # of imix.pcap
CONFIG = """
version: 1
ports:
  a: {{driver: pcap, rx: "{pcap}"}}
  b: {{driver: pcap, tx: "{out}"}}
programs: {{p: {{object: "{objects}/records.o", globals: {{rounds: {rounds}}}}}}}
pipelines: {{x: {{entry: p, on_pass: b}}}}
attach: [{{ports: [a], ingress: x}}]
maps: {{journal: {{max_entries: 4194304}}, events: {{reader: {reader}}}}}
dpdk: {{hugepages: auto}}
"""


def main() -> int:
    sluice, programs, objects = sys.argv[1:4]
    if without_live_ports(sluice):
        return skip_all("this build has no live ports")
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder, Lab(sluice, programs, namespaces=False) as lab:
        for workers, rounds, reader in ((1, 0, "true"), (2, 0, "true"), (1, 100, "true"), (1, 0, "false")):
            name = f"{workers} worker{'s' * (workers > 1)}, {rounds + 1} records a frame, reader: {reader}"
            path = Path(folder) / "records.yaml"
            path.write_text(CONFIG.format(pcap=ROOT / "pcaps/imix.pcap", out=Path(folder) / "out.pcap", rounds=rounds,
                                          objects=os.path.abspath(objects), reader=reader))
            report = lab.start(path, sets=[f"workers.count={workers}"], args=["--for", "2s"]).end()
            tap.report(f"{name}: it runs", report.problems(0))
            rings = {ring["map"]: ring for ring in report.json.get("rings", [])}
            ran = report.stages.get("p", {}).get("runs", 0)
            tap.check(ran > FRAMES / 2, f"{name}: frames are run", report.json)
            tap.check(("events" in rings) == (reader == "true"), f"{name}: who is read is reported", rings)
            if reader == "false":
                continue
            events, journal = rings["events"], rings["journal"]
            total = events["records"] + events["lost"]
            tap.check(total == ran * (rounds + 1), f"{name}: every event is read or lost", (ran, events))
            # Every fourth frame's is discarded; two workers may give two frames one number.
            total, most = journal["records"] + journal["lost"], ran * (rounds + 1)
            exact = most - ran // 4 if workers == 1 else total
            tap.check(total == exact and ran / 2 < total <= most, f"{name}: and so is the journal", (ran, journal))
            if rounds == 0:
                tap.check(events["lost"] == journal["lost"] == 0, f"{name}: none is lost that has room", rings)
                # 16 bytes and the frame; what one worker had no room to hand to the other was received and not run.
                most = 16 * ran + report.ports["a"]["rx_bytes"]
                whole = ran == report.ports["a"]["rx_frames"]
                tap.check(16 * ran < events["bytes"] <= most and (not whole or events["bytes"] == most),
                          f"{name}: bytes are counted", (ran, most, events))
                tap.check(whole or workers > 1, f"{name}: one worker runs all it receives", (ran, report.ports["a"]))
            print(f"# {rings}")
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
