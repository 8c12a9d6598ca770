#!/usr/bin/env python3
"""What configs/edge-router.yaml must do with shipped captures, worked out a second time from the YAML's words in Python and
compared with what `sluice replay` wrote; tshark judges the written checksums. Runs as an ordinary user, without privileges.

    edge_oracle_test.py SLUICE OBJECTS        TAP on standard output
"""
import ipaddress
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/support"))
from tap import Tap  # noqa: E402

WAN = ("wan0", "020000aa0001", "020000000010")
LAN = ("lan0", "020000bb0002", "020000000020")
ROUTES = [("0.0.0.0/0", WAN), ("10.0.0.0/8", LAN), ("192.168.100.1/32", None), ("240.0.0.0/4", "nowhere"),
          ("2001:db8::/32", WAN), ("2001:db8:1::/48", LAN), ("2001:db8:ffff::1/128", None)]
ROUTES = [(ipaddress.ip_network(net), hop) for net, hop in ROUTES]
DENIED, ALLOWED = ipaddress.ip_network("192.0.2.0/24"), ipaddress.ip_network("198.51.100.0/24")
OPEN_PORTS, SYNS_A_SECOND = {80, 443}, 10


def read_pcap(path: Path) -> list:
    """(nanoseconds, bytes) of each frame of a little-endian classic capture."""
    data = path.read_bytes()
    magic, = struct.unpack_from("<I", data)
    scale = {0xA1B2C3D4: 1000, 0xA1B23C4D: 1}[magic]
    frames, at = [], 24
    while at < len(data):
        seconds, fraction, size, _ = struct.unpack_from("<IIII", data, at)
        frames.append((seconds * 10**9 + fraction * scale, data[at + 16:at + 16 + size]))
        at += 16 + size
    return frames


def checksum(data: bytes) -> int:
    """Ones' complement sum of RFC 1071 over 16-bit words."""
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


class Router:
    """The edge router in plain Python: `send` returns (port, frame) or None."""

    def __init__(self):
        self.flows, self.buckets = set(), {}

    def ports(self, protocol: int, segment: bytes):
        """(source, destination, is a SYN) or None for a header that is cut."""
        size = {6: 20, 17: 8}.get(protocol, 0)
        if len(segment) < size:
            return None
        if not size:
            return 0, 0, False
        return *struct.unpack_from(">HH", segment), protocol == 6 and segment[13] & 0x12 == 0x02

    def admitted(self, now: int, inside: bool, flow: tuple, syn: bool) -> bool:
        source, target, sport, dport, protocol = flow
        if flow in self.flows or (target, source, dport, sport, protocol) in self.flows:
            return True
        if not inside and ((protocol == 6 and not syn) or dport not in OPEN_PORTS):
            return False
        if syn:
            key = source if source.version == 4 else int(source) & 0xFFFFFFFF
            start, count = self.buckets.get(key, (now, 0))
            if now - start >= 10**9:
                start, count = now, 0
            self.buckets[key] = (start, count + 1)
            if count + 1 > SYNS_A_SECOND:
                return False
        self.flows.add(flow)
        return True

    def send(self, now: int, inside: bool, frame: bytes):
        if len(frame) < 14:
            return None
        at = 12
        for _ in range(2):
            if frame[at:at + 2] in (b"\x81\x00", b"\x88\xa8"):
                at += 4
                if len(frame) < at + 2:
                    return None
        kind, at = frame[at:at + 2], at + 2
        if kind == b"\x08\x00":
            return self.ipv4(now, inside, frame, at)
        if kind == b"\x86\xdd":
            return self.ipv6(now, inside, frame, at)
        return "punt", frame

    def ipv4(self, now, inside, frame, at):
        header = frame[at:at + 20]
        if len(header) < 20 or header[0] >> 4 != 4 or header[0] & 15 < 5:
            return None
        source, target = (ipaddress.ip_address(header[i:i + 4]) for i in (12, 16))
        later_fragment = struct.unpack_from(">H", header, 6)[0] & 0x1FFF
        seen = (0, 0, False) if later_fragment else self.ports(header[9], frame[at + (header[0] & 15) * 4:])
        if seen is None or source in DENIED:
            return None
        if source not in ALLOWED and not later_fragment and header[9] in (6, 17):
            if not self.admitted(now, inside, (source, target, *seen[:2], header[9]), seen[2]):
                return None
        hop = self.route(target)
        if hop is None or header[8] <= 1:
            return "punt", frame
        changed = bytearray(frame)
        changed[at + 8] -= 1
        # Good stays good, and what was wrong stays wrong by as much (RFC 1624): fold the difference of one TTL.
        total = struct.unpack_from(">H", frame, at + 10)[0] + 0x100
        struct.pack_into(">H", changed, at + 10, (total + (total >= 0xFFFF)) & 0xFFFF)
        return self.leave(hop, changed)

    def ipv6(self, now, inside, frame, at):
        header = frame[at:at + 40]
        if len(header) < 40 or header[0] >> 4 != 6:
            return None
        source, target = (ipaddress.ip_address(header[i:i + 16]) for i in (8, 24))
        seen = self.ports(header[6], frame[at + 40:])
        if seen is None:
            return None
        if header[6] in (6, 17) and not self.admitted(now, inside, (source, target, *seen[:2], header[6]), seen[2]):
            return None
        hop = self.route(target)
        if hop == "no route":
            return None
        if hop is None or header[7] <= 1:
            return "punt", frame
        changed = bytearray(frame)
        changed[at + 7] -= 1
        return self.leave(hop, changed)

    def route(self, target):
        inside = [(net.prefixlen, hop) for net, hop in ROUTES if net.version == target.version and target in net]
        return max(inside, key=lambda pair: pair[0])[1] if inside else "no route"

    def leave(self, hop, frame: bytearray):
        if hop == "nowhere":
            return None
        frame[0:12] = bytes.fromhex(hop[1] + hop[2])
        return hop[0], bytes(frame)


def model(inputs: dict) -> dict:
    frames = [(now, port, data) for port, path in inputs.items() for now, data in read_pcap(ROOT / path)]
    frames.sort(key=lambda f: f[0])  # stable: at the same time the first input goes first
    router, out = Router(), {"wan0": [], "lan0": [], "punt": []}
    for now, port, data in frames:
        sent = router.send(now, port == "lan0", data)
        if sent:
            out[sent[0]].append((now, sent[1]))
    return out


def sandbox(sluice: str, objects: str, scratch: Path) -> Path:
    """A copy of what a replay needs where any user may read it, and a folder where any user may write."""
    for folder in ("configs", "pcaps"):
        shutil.copytree(ROOT / folder, scratch / folder)
    shutil.copytree(objects, scratch / "objects", ignore=lambda _, names: [n for n in names if not n.endswith(".o")])
    shutil.copy(sluice, scratch / "sluice")
    (scratch / "out").mkdir(mode=0o777)
    for path in [scratch, *scratch.rglob("*")]:
        path.chmod(path.stat().st_mode | (0o777 if path.name == "out" else 0o555))
    return scratch


def replay(home: Path, inputs: dict, engine: str) -> subprocess.CompletedProcess:
    command = ["./sluice", "replay", "configs/edge-router.yaml", "--engine", engine, "-o", "out/"]
    for port, capture in inputs.items():
        command += ["-i", f"{port}={capture}"]
    nobody = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    return subprocess.run(command, cwd=home, env={**os.environ, "SLUICE_OBJECTS": str(home / "objects")},
                          capture_output=True, text=True, check=False, **nobody)


def bad_checksums(path: Path) -> int:
    command = ["tshark", "-r", str(path), "-o", "ip.check_checksum:TRUE", "-Y", "ip.checksum.status == 0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return len(done.stdout.splitlines()) if done.returncode == 0 else -1


def judge(tap: Tap, home: Path, name: str, inputs: dict) -> None:
    expected = model(inputs)
    for engine in ("interp", "jit"):
        done = replay(home, inputs, engine)
        if not tap.check(done.returncode == 0, f"{name}: {engine} runs as an ordinary user", done.stderr):
            continue
        for port, want in expected.items():
            got = read_pcap(home / "out" / f"{port}.pcap")
            first = next((i for i, pair in enumerate(zip(got, want)) if pair[0] != pair[1]), min(len(got), len(want)))
            tap.check(want == got, f"{name}: {engine}: {port} sends the {len(want)} frames of the model",
                      f"{len(got)} frames; first difference at {first}:\n{got[first:first + 1]}\n{want[first:first + 1]}")
    tap.check(sum(map(len, expected.values())) > 20, f"{name}: frames are sent at all")
    wrong_before = sum(bad_checksums(ROOT / capture) for capture in inputs.values())
    wrong = sum(bad_checksums(home / "out" / f"{port}.pcap") for port in ("wan0", "lan0"))
    tap.check(0 <= wrong <= wrong_before, f"{name}: tshark finds no IPv4 checksum wrong that was right",
              f"{wrong_before} wrong before, {wrong} after")
    good = sum(checksum(d[14:14 + (d[14] & 15) * 4]) == 0xFFFF for _, d in expected["wan0"] if d[12:14] == b"\x08\x00")
    tap.check(good > 5, f"{name}: there are right checksums to check", good)


def main() -> int:
    sluice, objects = map(os.path.abspath, sys.argv[1:3])
    tap = Tap()
    if not shutil.which("tshark"):
        tap.skip("edge router's model", "tshark is not installed")
        return tap.done()
    with tempfile.TemporaryDirectory() as scratch:
        home = sandbox(sluice, objects, Path(scratch))
        judge(tap, home, "imix", {"lan0": "pcaps/imix.pcap"})
        judge(tap, home, "edge from inside", {"lan0": "pcaps/edge.pcap"})
        judge(tap, home, "edge from outside", {"wan0": "pcaps/edge.pcap"})
        judge(tap, home, "both", {"lan0": "pcaps/imix.pcap", "wan0": "pcaps/edge.pcap"})
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
