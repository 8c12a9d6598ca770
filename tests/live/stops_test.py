#!/usr/bin/env python3
"""How `sluice run` ends, and how it does not begin: signals, devices that go or cannot be had, memory, CPUs.

    stops_test.py SLUICE OBJECTS        TAP on standard output
"""
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

from lab import NOBODY, Lab, Tap, skip_all, wait_for, why_not_here, without_live_ports

HOSTS = (1, 2, 3)
MACS = {n: f"02:00:00:00:09:0{n}" for n in HOSTS}
NULL_PORTS = [f'ports.{p}.driver="null"' for p in ("p1", "p2", "p3", "host0")]
ONE_PORT_TAP = ["ports.host0.device=host0"]


def frame(to: int, source: int) -> bytes:
    return bytes.fromhex((MACS[to] + MACS[source]).replace(":", "")) + b"\x88\xb5" + bytes(80)


class Traffic:
    """Frames from a host in a thread, until told to stop."""

    def __init__(self, socket, what: bytes):
        self.socket, self.what, self.going = socket, what, True
        self.thread = threading.Thread(target=self.send)
        self.thread.start()

    def send(self) -> None:
        while self.going:
            try:
                self.socket.send(self.what)
            except OSError:
                time.sleep(0.01)  # its device is gone, or its queue is full

    def stop(self) -> None:
        self.going = False
        self.thread.join()


def signals(lab: Lab, tap: Tap) -> None:
    for how, code in ((signal.SIGTERM, 0), (signal.SIGINT, 130)):
        run = lab.start("l2-switch.yaml", sets=ONE_PORT_TAP)
        ready = run.ready()
        traffic = Traffic(lab.raw("h1"), frame(2, 1))
        time.sleep(0.5)
        report = run.stop(how)
        traffic.stop()
        tap.report(f"{how.name} while frames flow: exit {code}", report.problems(code) if ready else [report.err])
        tap.check(report.json.get("ended") == how.name and report.json["frames"] > 100, f"{how.name} is named in the report",
                  report.out[:400])
    run = lab.start("l2-switch.yaml", sets=ONE_PORT_TAP, args=["--for", "700ms"])
    report = run.end()
    tap.report("--for 700ms ends by itself", report.problems(0))
    tap.check(report.json.get("ended") == "duration" and 0.7 <= report.json["seconds"] < 10, "after its time", report.out[:400])


def full_ring(lab: Lab, tap: Tap, driver: str) -> None:
    """While the process does not run at all, a device's receive ring fills up; the kernel drops the rest."""
    run = lab.start("l2-switch.yaml", sets=[*ONE_PORT_TAP, *(f"ports.p{n}.driver={driver}" for n in HOSTS)])
    ready = run.ready()
    socket, sent = lab.raw("h1"), 20_000
    run.process.send_signal(signal.SIGSTOP)
    before = lab.counter("h1", "tx_packets")
    for _ in range(sent):
        socket.send(frame(2, 1))
    sent = lab.counter("h1", "tx_packets") - before
    run.process.send_signal(signal.SIGCONT)
    time.sleep(0.5)
    report = run.stop()
    tap.report(f"{driver}: stopped and continued", report.problems(0) if ready else [report.err])
    if not report.json:
        return
    port = report.ports["p1"]
    # Besides, hosts say a few things of their own.
    tap.check(port["rx_missed"] > 1000 and sent <= port["rx_frames"] + port["rx_missed"] <= sent + 30,
              f"{driver}: each of {sent} frames was received or counted as missed", port)


def unplugged(lab: Lab, tap: Tap, driver: str) -> None:
    """The wire of the second host is cut while the first sends to it and the third; it loses its namespace last."""
    for n in HOSTS:
        lab.wire(f"u{n}", f"q{n}")
        lab.address(f"u{n}", MACS[n], f"10.9.1.{n}/24")
    run = lab.start("l2-switch.yaml", env={f"P{n}": f"q{n}" for n in HOSTS},
                    sets=[*ONE_PORT_TAP, *(f"ports.p{n}.driver={driver}" for n in HOSTS)])
    ready = run.ready()
    tap.check(ready and lab.pings("u1", "10.9.1.2") == 3, f"{driver}: all wires work", run.said())
    # u2 is known behind port 2: frames for it are sent there and nowhere else.
    traffic = Traffic(lab.raw("u1"), frame(2, 1))
    time.sleep(0.3)
    lab.ip("sw", "link", "del", "q2")
    named = wait_for(lambda: "port p2: its interface is gone" in run.said(), 10)
    tap.check(named, f"{driver}: the port is named", run.said())
    time.sleep(0.5)
    traffic.stop()
    tap.check(lab.pings("u1", "10.9.1.3") == 3, f"{driver}: the others go on", run.said())
    report = run.stop()
    tap.report(f"{driver}: a device deleted while frames flow", report.problems(0))
    if report.json:
        tap.check(report.ports["p2"]["down"] and report.drops.get("port_down", 0) > 0,
                  f"{driver}: the port is down, and what was for it counted", f"{report.drops} {report.ports['p2']}")
        tap.check(not report.ports["p1"]["down"] and not report.ports["p3"]["down"], f"{driver}: the others are not",
                  report.ports)
    for n in (1, 3):
        lab.ip("sw", "link", "del", f"q{n}")
    for n in HOSTS:
        lab.remove(f"u{n}")


def refusals(lab: Lab, tap: Tap) -> None:
    """Runs that never begin: what is set, the exit code, what must be said."""
    lab.ip("sw", "link", "add", "asleep", "type", "veth", "peer", "name", "asleep-peer")
    cases = [
        ("an interface that does not exist", ["ports.p2.device=nowhere"], [], 5, ["p2", "'nowhere'", "p1", "p3"]),
        ("an interface that is down", ["ports.p2.device=asleep"], [], 5, ["asleep is down", "ip link set asleep up"]),
        ("a CPU that does not exist", ["workers.cores=[1023]"], [], 3, ["CPU 1023"]),
        ("a main CPU that does not exist", ["workers.main_core=1023"], [], 3, ["CPU 1023"]),
        ("no time at all", [], ["--for", "0"], 2, ["--for 0"]),
        ("a time that is none", [], ["--for", "soon"], 2, ["--for soon"]),
        ("more memory than there is", ["dpdk.memory=3000G"], [], 5, ["MiB are available", "dpdk: {memory: SIZE}"]),
        ("arguments that DPDK does not know", ['dpdk.eal=["--nonsense"]'], [], 5, ["--nonsense"]),
        ("a device that DPDK cannot open", ["ports.p2.driver=af_packet", "ports.p2.devargs=nonsense=1"], [], 5, ["port p2"]),
    ]
    free = sum(int(p.read_text()) for p in Path("/sys/kernel/mm/hugepages").glob("*/free_hugepages"))
    if free == 0:
        cases.append(("huge pages that are not there", ["dpdk.hugepages=required"], [], 5,
                      ["MiB of huge pages are needed", "sysctl vm.nr_hugepages="]))
    else:
        tap.skip("huge pages that are not there", f"{free} are free on this machine")
    for name, sets, args, code, words in cases:
        report = lab.start("l2-switch.yaml", sets=[*ONE_PORT_TAP, *sets], args=args).end()
        missing = [f"'{w}' is not said: {report.err}" for w in words if w not in report.err]
        tap.report(f"{name}: exit {code}, and says why", report.problems(code, counters=False) + missing)


def ordinary_user(lab: Lab, tap: Tap) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        scratch = Path(folder)
        root, objects, sluice = scratch / "configs", lab.objects, lab.sluice
        shutil.copytree(Path(__file__).resolve().parent.parent.parent / "configs", root)
        shutil.copytree(objects, scratch / "objects", ignore=lambda _, names: [n for n in names if not n.endswith(".o")])
        shutil.copy(sluice, scratch / "sluice")
        for path in scratch.rglob("*"):
            path.chmod(path.stat().st_mode | 0o555)
        lab.sluice, lab.objects = str(scratch / "sluice"), str(scratch / "objects")
        for name, sets in (("af_packet", ['ports.host0.driver="null"']), ("tap", [*NULL_PORTS, "ports.host0.driver=tap"])):
            report = lab.start(root / "l2-switch.yaml", sets=sets, user=NOBODY).end()
            words = ["setcap cap_net_raw,cap_net_admin+ep"] if name == "af_packet" else ["port host0"]
            missing = [f"'{w}' is not said: {report.err}" for w in words if w not in report.err]
            tap.report(f"{name} as an ordinary user: exit 5, and says what to do", report.problems(5, counters=False) + missing)
        lab.sluice, lab.objects = sluice, objects


def small_pool(lab: Lab, tap: Tap) -> None:
    """The smallest pool there is, between devices that hold more frames than it has."""
    run = lab.start("l2-switch.yaml", sets=[*ONE_PORT_TAP, "dpdk.memory=1M"])
    ready = run.ready()
    one, two = lab.raw("h1"), lab.raw("h2")
    two.send(frame(1, 2))
    traffic = Traffic(one, frame(2, 1))
    time.sleep(1)
    traffic.stop()
    report = run.stop()
    tap.report("a pool of the smallest size", report.problems(0) if ready else [report.err])
    if report.json:
        tap.check(report.ports["p2"]["tx_frames"] > 1000, "carries frames", report.out)


def main() -> int:
    sluice, objects = sys.argv[1:3]
    why = why_not_here(("ip", "ethtool", "ping", "setpriv")) or \
        ("this build has no live ports" if without_live_ports(sluice) else "")
    if why:
        return skip_all(why)
    tap = Tap()
    with Lab(sluice, objects) as lab:
        for n in HOSTS:
            lab.wire(f"h{n}", f"p{n}")
            lab.address(f"h{n}", MACS[n], f"10.9.0.{n}/24")
        signals(lab, tap)
        for driver in ("af_packet", "af_xdp"):
            full_ring(lab, tap, driver)
            unplugged(lab, tap, driver)
        refusals(lab, tap)
        ordinary_user(lab, tap)
        small_pool(lab, tap)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
