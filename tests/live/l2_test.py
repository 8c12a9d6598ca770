#!/usr/bin/env python3
"""configs/l2-switch.yaml between three hosts in network namespaces, on one driver of live ports.

    l2_test.py SLUICE OBJECTS DRIVER [SECONDS]     af_packet, af_xdp or tap; seconds of the TCP stream. TAP on standard output.
"""
import os
import struct
import sys

from lab import Lab, Tap, skip_all, why_not_here, without_live_ports

HOSTS = (1, 2, 3)
MACS = {n: f"02:00:00:00:09:0{n}" for n in HOSTS}
BROADCAST = b"\xff" * 6


def mac(n: int) -> bytes:
    return bytes.fromhex(MACS[n].replace(":", ""))


def is_ping(frame: bytes) -> bool:
    """An ICMP echo request or reply between hosts 1 and 2."""
    return frame[12:14] == b"\x08\x00" and frame[23] == 1 and {frame[:6], frame[6:12]} == {mac(1), mac(2)}


def address(lab: Lab, n: int) -> None:
    lab.address(f"h{n}", MACS[n], f"10.9.0.{n}/24", f"fd00:9::{n}/64")


def build(lab: Lab, driver: str):
    """Sluice between hosts h1 to h3."""
    sets = ["ports.host0.device=host0"]
    if driver != "tap":
        for n in HOSTS:
            # An XDP program on veth does not see a tag that the sender leaves to the device.
            lab.wire(f"h{n}", f"p{n}", offloads=("tso", "gso") if driver == "af_packet" else ("txvlan",))
            address(lab, n)
    run = lab.start("l2-switch.yaml", sets=[*sets, *(f"ports.p{n}.driver={driver}" for n in HOSTS)])
    ready = run.ready()
    for n in HOSTS if ready and driver == "tap" else ():
        lab.move(f"p{n}", f"h{n}")
        address(lab, n)
    return run, ready


def neighbours(lab: Lab, tap: Tap, driver: str) -> None:
    third = lab.raw("h3")
    tap.check(lab.pings("h1", "10.9.0.2") == 3, f"{driver}: ping")
    arp = third.frames(0.3)
    tap.check(any(f[:6] == BROADCAST and f[6:12] == mac(1) and f[12:14] == b"\x08\x06" for f in arp),
              f"{driver}: a broadcast is flooded to the third host", f"{len(arp)} frames")
    tap.check(not any(is_ping(f) for f in arp), f"{driver}: a known host's frames are not", f"{len(arp)} frames")

    tap.check(lab.pings("h1", "fd00:9::2", "-6") == 3, f"{driver}: IPv6 neighbour discovery and ping")
    tap.check(lab.pings("h3", "fd00:9::1", "-6") == 3, f"{driver}: IPv6 from the third host")
    found = lab.sh("h1", "ip", "-6", "neigh", "show", "fd00:9::2").stdout
    tap.check(MACS[2] in found, f"{driver}: the neighbour discovered is the host itself", found)


def raw_frames(lab: Lab, tap: Tap, driver: str) -> None:
    """Frames as they are sent: flooded while the destination is not known, with their tags, one port once it is."""
    one, two, three = (lab.raw(f"h{n}") for n in HOSTS)
    stranger = bytes.fromhex("020000000977")
    body = bytes(range(80))
    # EtherType 0x88b5: for local experiments.
    plain = stranger + mac(1) + b"\x88\xb5" + body
    tagged = stranger + mac(1) + struct.pack(">HHH", 0x8100, 3 << 13 | 7, 0x88B5) + body
    for name, frame in (("untagged", plain), ("tagged VLAN 7, priority 3,", tagged)):
        one.send(frame)
        for n, socket in ((2, two), (3, three)):
            tap.check(socket.saw(lambda f, frame=frame: f == frame), f"{driver}: {name} frame to an unknown host reaches h{n} "
                      "unchanged")
    three.send(mac(1) + stranger + b"\x88\xb5" + body)  # now the stranger is known: behind port 3
    tap.check(one.saw(lambda f: f[6:12] == stranger), f"{driver}: a frame of the stranger reaches h1")
    for socket in (two, three):
        socket.drain()
    one.send(plain)
    tap.check(three.saw(lambda f: f == plain), f"{driver}: it is known now")
    tap.check(plain not in two.frames(0.3), f"{driver}: and its frames reach its port alone")


def vlans(lab: Lab, tap: Tap, driver: str) -> None:
    if lab.sh("h1", "ip", "link", "add", "link", "eth0", "name", "probe", "type", "vlan", "id", "9", check=False).returncode:
        tap.skip(f"{driver}: ping inside VLAN 7", "this kernel has no VLAN devices (8021q)")
        return
    for n in (1, 2):
        lab.ip(f"h{n}", "link", "add", "link", "eth0", "name", "eth0.7", "type", "vlan", "id", "7")
        lab.address(f"h{n}", MACS[n], f"10.9.7.{n}/24", device="eth0.7")
    tap.check(lab.pings("h1", "10.9.7.2") == 3, f"{driver}: ping inside VLAN 7")


def stream(lab: Lab, tap: Tap, driver: str, seconds: int) -> dict:
    """A TCP stream from h1 to h2 and what both hosts counted meanwhile."""
    def count() -> dict:
        return {(n, c): lab.counter(n, c) for n in ("h1", "h2") for c in ("tx_packets", "tx_dropped", "rx_dropped")}

    before = count()
    result = lab.iperf("h2", "h1", "10.9.0.2", "-t", str(seconds))
    sums = result["end"]["sum_sent"]
    print(f"# {driver}: {sums['bits_per_second'] / 1e9:.2f} Gbit/s, {sums['retransmits']} sent again")
    tap.check(result["end"]["sum_received"]["bytes"] > seconds * 1_000_000, f"{driver}: a TCP stream of {seconds} s", sums)
    return {key: n - before[key] for key, n in count().items()}


def judge(tap: Tap, driver: str, report, hosts: dict, tcp: dict) -> None:
    tap.report(f"{driver}: SIGTERM ends it well and the counters add up", report.problems(0))
    if not report.json:
        return
    full = report.drops.pop("tx_full", 0)  # a host that is not scheduled does not empty its device
    tap.check(not report.drops, f"{driver}: the switch dropped nothing of its own", report.drops)
    missed = report.missed("p1", "p2") + sum(n for (_, counter), n in hosts.items() if counter != "tx_packets")
    really = tcp["sent_again"] - tcp["needless"]
    # A loaded machine's timers also send again what is only late; that nothing is lost the next two checks prove.
    late = 3 + report.ports["p1"]["rx_frames"] // 1000
    tap.check(really <= missed + full + late, f"{driver}: no segment was sent again that a device did not miss",
              f"{tcp}, devices missed {missed}, full {full}\n{report.out}")
    for n, name in ((1, "h1"), (2, "h2")):
        port = report.ports[f"p{n}"]
        tap.check(port["rx_frames"] + missed >= hosts[name, "tx_packets"], f"{driver}: what {name} sent was received or missed",
                  f"{hosts}, {port}")
    flooded = report.ports["p3"]["tx_frames"]
    tap.check(flooded < 300 and report.ports["p2"]["tx_frames"] > 3000, f"{driver}: the stream did not reach the third host",
              f"{flooded} frames")
    tap.check(report.json["clones"] > 0, f"{driver}: floods were counted as clones")


def arrived(lab: Lab, tap: Tap, driver: str, report) -> None:
    """Nobody else sends into these wires: each frame counted as sent is one that a host received."""
    for n in HOSTS:
        port = report.ports[f"p{n}"]
        came, dropped = (lab.counter(f"h{n}", counter) for counter in ("rx_packets", "rx_dropped"))
        tap.check(came <= port["tx_frames"] <= came + dropped, f"{driver}: what p{n} sent arrived",
                  f"{came} arrived, {dropped} dropped by the host, {port}")


def main() -> int:
    sluice, objects, driver = sys.argv[1:4]
    seconds = int(sys.argv[4]) if len(sys.argv) > 4 else 10
    why = why_not_here() or ("this build has no live ports" if without_live_ports(sluice) else "")
    if not why and driver == "tap" and not os.path.exists("/dev/net/tun"):
        why = "needs /dev/net/tun"
    if why:
        return skip_all(why)
    tap = Tap()
    with Lab(sluice, objects) as lab:
        run, ready = build(lab, driver)
        if not tap.check(ready, f"{driver}: it runs", run.said()):
            return tap.done()
        if driver != "tap":
            offloads = lab.sh("h1", "ethtool", "-k", "eth0").stdout
            tap.check("tx-checksumming: on" in offloads, f"{driver}: hosts leave checksums to the device", offloads)
        neighbours(lab, tap, driver)
        raw_frames(lab, tap, driver)
        vlans(lab, tap, driver)
        hosts = stream(lab, tap, driver, seconds)
        tcp = lab.tcp_counters("h1")
        report = run.stop()
        judge(tap, driver, report, hosts, tcp)
        if driver != "tap" and report.json:
            arrived(lab, tap, driver, report)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
