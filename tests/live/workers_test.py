#!/usr/bin/env python3
"""configs/l2-switch.yaml with several workers: flows stay in order, nothing is lost without a counter.

    workers_test.py SLUICE OBJECTS [SECONDS]     seconds of each stream. TAP on standard output.
"""
import os
import sys

from lab import Lab, Tap, skip_all, why_not_here, without_live_ports

HOSTS = (1, 2, 3)
# Workers, driver, receive queues (0: as many as workers where the device can). More workers than CPUs are allowed.
CASES = [(2, "af_packet", 0), (3, "af_packet", 0), (3, "af_packet", 1), (2, "af_xdp", 1), (3, "tap", 1)]


def address(lab: Lab, n: int) -> None:
    lab.address(f"h{n}", f"02:00:00:00:09:0{n}", f"10.9.0.{n}/24")


def case(lab: Lab, tap: Tap, workers: int, driver: str, queues: int, seconds: int) -> None:
    name = f"{workers} workers, {driver}, {queues or 'their own'} queue{'s' * (queues != 1)}"
    sets = ["ports.host0.device=host0", f"workers.count={workers}"]
    for n in HOSTS:
        sets += [f"ports.p{n}.driver={driver}"] + ([f"ports.p{n}.queues={queues}"] if queues else [])
        if driver != "tap":
            lab.wire(f"h{n}", f"p{n}")
            address(lab, n)
    run = lab.start("l2-switch.yaml", sets=sets)
    if not tap.check(run.ready() and f"{workers} workers" in run.said(), f"{name}: it runs", run.said()):
        return
    for n in HOSTS if driver == "tap" else ():
        lab.move(f"p{n}", f"h{n}")
        address(lab, n)
    tap.check(lab.pings("h1", "10.9.0.2") == 3 and lab.pings("h3", "10.9.0.1") == 3, f"{name}: ping")
    # Four UDP flows at a rate that a busy machine can carry, then TCP in both directions.
    udp = lab.iperf("h2", "h1", "10.9.0.2", "-u", "-P", "4", "-b", "20M", "-l", "1000", "-t", str(seconds))
    streams = [s["udp"] for s in udp["end"]["streams"]]
    print(f"# {name}: UDP {[(s['packets'], s['lost_packets'], s['out_of_order']) for s in streams]}")
    tap.check(len(streams) == 4 and all(s["packets"] > 1000 * seconds for s in streams), f"{name}: four UDP flows", streams)
    tap.check(all(s["out_of_order"] == 0 for s in streams), f"{name}: each in order", streams)
    # A receiver may be too slow for its own socket.
    lost = sum(s["lost_packets"] for s in streams) - lab.udp_overruns("h2")
    for reverse in ([], ["-R"]):
        tcp = lab.iperf("h2", "h1", "10.9.0.2", "-P", "3", "-t", str(seconds), *reverse)["end"]
        print(f"# {name}: TCP {tcp['sum_received']['bits_per_second'] / 1e9:.2f} Gbit/s, {tcp['sum_sent']['retransmits']} sent "
              "again")
        tap.check(tcp["sum_received"]["bytes"] > 1_000_000 * seconds, f"{name}: TCP {' '.join(reverse)}", tcp["sum_sent"])
    hosts_dropped = sum(lab.counter(f"h{n}", c) for n in HOSTS for c in ("rx_dropped", "tx_dropped"))
    arrived = {n: lab.counter(f"h{n}", "rx_packets") for n in HOSTS}
    report = run.stop()
    tap.report(f"{name}: it ends well and the counters add up", report.problems(0))
    if not report.json:
        return
    # Queues between workers and devices may fill up; nothing else may drop a frame.
    full = sum(report.drops.get(reason, 0) for reason in ("dispatch_full", "tx_full"))
    tap.check(full == sum(report.drops.values()), f"{name}: only full queues dropped", report.drops)
    tap.check(lost <= full + report.missed() + hosts_dropped, f"{name}: what UDP lost was counted", f"{lost} lost, {report.out}")
    for n in HOSTS:
        sent = report.ports[f"p{n}"]["tx_frames"]
        if driver != "tap":
            arrived[n] = lab.counter(f"h{n}", "rx_packets")
        tap.check(arrived[n] <= sent <= arrived[n] + hosts_dropped + report.missed(f"p{n}"), f"{name}: what p{n} sent arrived",
                  f"{arrived[n]} arrived, {report.ports[f'p{n}']}")


def main() -> int:
    sluice, objects = sys.argv[1:3]
    seconds = int(sys.argv[3]) if len(sys.argv) > 3 else 2
    why = why_not_here() or ("this build has no live ports" if without_live_ports(sluice) else "")
    if why:
        return skip_all(why)
    tap = Tap()
    for workers, driver, queues in CASES:
        if driver == "tap" and not os.path.exists("/dev/net/tun"):
            tap.skip(f"{workers} workers, tap", "needs /dev/net/tun")
            continue
        with Lab(sluice, objects) as lab:
            case(lab, tap, workers, driver, queues, seconds)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
