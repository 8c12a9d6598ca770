#!/usr/bin/env python3
"""configs/edge-router.yaml between two subnets, one host each, on af_packet ports.

    edge_test.py SLUICE OBJECTS [SECONDS]     seconds of each TCP stream. TAP on standard output.
"""
import struct
import sys

from lab import Lab, Tap, skip_all, why_not_here, without_live_ports

# The hosts are the next hops of the configuration: their MAC addresses, and those the router takes for itself.
WAN_MAC, WAN_ROUTER = "02:00:00:aa:00:01", "02:00:00:00:00:10"
LAN_MAC, LAN_ROUTER = "02:00:00:bb:00:02", "02:00:00:00:00:20"
WAN, ALLOWED, DENIED, LAN = "203.0.113.1", "198.51.100.7", "192.0.2.9", "10.0.0.2"
WAN6, LAN6 = "2001:db8:2::1", "2001:db8:1::2"


def build(lab: Lab):
    for host, port, mac, router, addresses in (
            ("wan", "wan0", WAN_MAC, WAN_ROUTER, [f"{WAN}/32", f"{ALLOWED}/32", f"{DENIED}/32", f"{WAN6}/128"]),
            ("lan", "lan0", LAN_MAC, LAN_ROUTER, [f"{LAN}/32", f"{LAN6}/128"])):
        lab.wire(host, port)
        lab.address(host, mac, *addresses)
        for family, gateway in (("-4", "192.168.100.1"), ("-6", "2001:db8:ffff::1")):
            lab.ip(host, family, "neigh", "add", gateway, "lladdr", router, "dev", "eth0", "nud", "permanent")
            lab.ip(host, family, "route", "add", gateway, "dev", "eth0")
            lab.ip(host, family, "route", "add", "default", "via", gateway, "dev", "eth0",
                   *(["src", addresses[0].split("/")[0]] if family == "-4" else []))
    run = lab.start("edge-router.yaml", env={"WAN": "wan0", "LAN": "lan0"})
    return run, run.ready()


def checksum(data: bytes) -> int:
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def udp(source: str, destination: str, *, ttl: int, to: int, mark: bytes) -> bytes:
    """A frame as the WAN's host would send it; the UDP checksum is left out (RFC 768)."""
    body = struct.pack(">HHHH", 4000, to, 8 + len(mark), 0) + mark
    pack = [bytes(map(int, a.split("."))) for a in (source, destination)]
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 7, 0x4000, ttl, 17, 0) + b"".join(pack)
    header = header[:10] + struct.pack(">H", checksum(header)) + header[12:]
    macs = bytes.fromhex(WAN_ROUTER.replace(":", "") + WAN_MAC.replace(":", ""))
    return macs + b"\x08\x00" + header + body


def routed(lab: Lab, tap: Tap) -> None:
    tap.check(lab.pings("wan", LAN) == 3, "ping from the WAN through the router")
    tap.check(lab.pings("lan", WAN) == 3, "ping from the LAN through the router")
    tap.check(lab.pings("lan", WAN6, "-6") == 3, "IPv6 ping through the router")

    wan, lan = lab.raw("wan"), lab.raw("lan")
    sent = udp(ALLOWED, LAN, ttl=9, to=4001, mark=b"one hop less")
    wan.send(sent)
    want = bytes.fromhex(LAN_MAC.replace(":", "") + LAN_ROUTER.replace(":", "")) + \
        udp(ALLOWED, LAN, ttl=8, to=4001, mark=b"one hop less")[12:]
    tap.check(lan.saw(lambda f: f == want), "a frame leaves with the next hop's MAC addresses, a hop less, its checksum right")


def streams(lab: Lab, tap: Tap, seconds: int) -> None:
    for name, server, client, address, port, extra in (
            ("from the LAN, to any port", "wan", "lan", WAN, 5201, []), ("from the WAN, to an open port", "lan", "wan", LAN, 443, []),
            ("from the WAN, backwards", "lan", "wan", LAN, 80, ["-R"])):
        result = lab.iperf(server, client, address, "-t", str(seconds), *extra, port=port)
        received = result["end"]["sum_received"]
        again = sum(lab.tcp_counters(client if "-R" not in extra else server)[k] * n for k, n in
                    (("sent_again", 1), ("needless", -1)))
        print(f"# {name}: {again} really sent again, {received['bits_per_second'] / 1e9:.2f} Gbit/s, {result['end']['sum_sent']['retransmits']} sent again")
        tap.check(received["bytes"] > seconds * 1_000_000, f"TCP {name}", received)


def to_host(lab: Lab, tap: Tap) -> int:
    """What the router hands to the host; how many frames that were."""
    punt, wan = lab.raw("sw", "punt0"), lab.raw("wan")
    lab.ip("sw", "link", "set", "punt0", "up")
    expired = [udp(ALLOWED, LAN, ttl=1, to=4001, mark=b"expired %d" % i) for i in range(5)]
    for frame in expired:
        wan.send(frame)
    came = punt.frames(1)
    tap.check([f for f in came if f in expired] == expired, "frames whose TTL expires reach the host, in order and unchanged",
              f"{len(came)} came")
    tap.check(lab.pings("wan", LAN, "-t", "1", count=2) == 0, "a ping with TTL 1 does not pass")
    own = udp(ALLOWED, "192.168.100.1", ttl=64, to=4001, mark=b"for the router")
    wan.send(own)
    tap.check(punt.saw(lambda f: f == own), "what is addressed to the router reaches the host")
    return len(expired) + 2 + 1


def refused(lab: Lab, tap: Tap) -> int:
    """What the firewall drops; how many frames that were."""
    lan, wan = lab.raw("lan"), lab.raw("wan")
    tap.check(lab.pings("wan", LAN, "-I", DENIED, count=5) == 0, "a denied source is not answered")
    closed = udp(WAN, LAN, ttl=64, to=22, mark=b"closed port")
    for _ in range(3):
        wan.send(closed)
    passed = lan.frames(0.5)
    tap.check(not any(bytes(map(int, DENIED.split("."))) in f or b"closed port" in f for f in passed), "nothing of it passed")
    return 5 + 3


def judge(tap: Tap, report, punted: int, denied: int) -> None:
    tap.report("SIGTERM ends it well and the counters add up", report.problems(0))
    if not report.json:
        return
    firewall, router = (report.stages[name]["verdicts"] for name in ("firewall", "router"))
    tap.check(firewall["drop"] == denied, f"the firewall dropped the {denied} frames and no others", firewall)
    # Hosts tell their multicast groups by IPv6, and there is no route for that.
    tap.check(report.drops == {"program": denied + router["drop"]} and router["drop"] < 20, "nothing else was dropped",
              f"{report.drops}, router {router}")
    tap.check(router["pass"] == punted, f"the router handed {punted} frames to the host", router)
    punt = report.ports["punt"]["tx_frames"]
    tap.check(punt == router["pass"] + firewall["pass"], "and the host's port sent them, with those that are not IP", punt)
    out = {s["name"]: s["runs"] for s in report.json["egress_stages"]}
    tap.check(out["count_out"] == report.ports["wan0"]["tx_frames"] + report.ports["lan0"]["tx_frames"],
              "each frame sent passed the egress program", out)


def main() -> int:
    sluice, objects = sys.argv[1:3]
    seconds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    why = why_not_here() or ("this build has no live ports" if without_live_ports(sluice) else "")
    if why:
        return skip_all(why)
    tap = Tap()
    with Lab(sluice, objects) as lab:
        run, ready = build(lab)
        if tap.check(ready, "it runs", run.said()):
            routed(lab, tap)
            streams(lab, tap, seconds)
            punted, denied = to_host(lab, tap), refused(lab, tap)
            judge(tap, run.stop(), punted, denied)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
