#!/usr/bin/env python3
"""Two switches, each with a host of its own, joined by shared memory: memif, and vhost with virtio_user.

    sockets_test.py SLUICE OBJECTS [SECONDS]     seconds of each stream. TAP on standard output.
"""
import os
import sys
import tempfile

from lab import Lab, Tap, skip_all, wait_for, why_not_here, without_live_ports

# What joins them: the port of the side that makes the socket, and of the side that comes to it.
LINKS = {
    "memif": ({"driver": "memif"}, {"driver": "memif", "devargs": "role=client,socket={socket},socket-abstract=no"}),
    "vhost": ({"driver": "vhost"}, {"driver": "virtio_user"}),
}


def switch(lab: Lab, n: int, link: dict, socket: str):
    """Switch `n`, of port p1 to host `n`, port p2 to the other switch and two ports nobody uses."""
    sets = [f"ports.p1.device=p{n}", f"ports.p2.device={socket}", "ports.p3.driver=tap", f"ports.p3.device=spare{n}",
            f"ports.host0.device=host{n}"]
    sets += [f"ports.p2.{key}={value.format(socket=socket)}" for key, value in link.items()]
    return lab.start("l2-switch.yaml", sets=sets)


def link_sums(tap: Tap, name: str, one, other) -> None:
    """Shared memory loses nothing: what one side counted as sent is what the other side received."""
    ends = [(one.ports["p2"], other.ports["p2"]), (other.ports["p2"], one.ports["p2"])]
    tap.check(all(a["tx_frames"] == b["rx_frames"] and a["tx_bytes"] == b["rx_bytes"] for a, b in ends),
              f"{name}: each frame sent was received on the other side", ends)
    for side, report in (("first", one), ("second", other)):
        rest = {reason: n for reason, n in report.drops.items() if reason != "tx_full"}
        tap.check(not rest, f"{name}: the {side} switch dropped nothing of its own", report.drops)


def joined(lab: Lab, tap: Tap, name: str, socket: str, seconds: int) -> None:
    server, client = LINKS[name]
    one = switch(lab, 1, server, socket)
    if not tap.check(one.ready(), f"{name}: the side that makes the socket runs", one.said()):
        return
    other = switch(lab, 2, client, socket)
    if not tap.check(other.ready(), f"{name}: the side that comes to it runs", other.said()):
        return
    tap.check(wait_for(lambda: lab.pings("h1", "10.9.0.2", count=1) == 1, 20), f"{name}: they find each other")
    tap.check(lab.pings("h1", "10.9.0.2") == 3, f"{name}: ping through both switches")
    for reverse in ([], ["-R"]):
        sums = lab.iperf("h2", "h1", "10.9.0.2", "-t", str(seconds), *reverse)["end"]
        print(f"# {name}: TCP {sums['sum_received']['bits_per_second'] / 1e9:.2f} Gbit/s")
        tap.check(sums["sum_received"]["bytes"] > 1_000_000 * seconds, f"{name}: TCP {' '.join(reverse)}", sums)
    lab.quiet("h1", "h2")
    # The side that made the socket goes first: the other one may not mind.
    reports = [one.stop(), other.stop()]
    for side, report in zip(("first", "second"), reports):
        tap.report(f"{name}: the {side} switch ends well and its counters add up", report.problems(0))
    if all(report.json for report in reports):
        link_sums(tap, name, *reports)


def main() -> int:
    sluice, objects = sys.argv[1:3]
    seconds = int(sys.argv[3]) if len(sys.argv) > 3 else 2
    why = why_not_here() or ("this build has no live ports" if without_live_ports(sluice) else "")
    if not why and not os.path.exists("/dev/net/tun"):
        why = "needs /dev/net/tun"
    if why:
        return skip_all(why)
    tap = Tap()
    for name in LINKS:
        with Lab(sluice, objects) as lab, tempfile.TemporaryDirectory() as folder:
            for n in (1, 2):
                lab.wire(f"h{n}", f"p{n}")
                lab.address(f"h{n}", f"02:00:00:00:09:0{n}", f"10.9.0.{n}/24")
            joined(lab, tap, name, f"{folder}/link", seconds)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
