"""What the live tests share: hosts in network namespaces, Sluice running between them, and what is left of both afterwards.

All outer ends of the veth pairs lie in a namespace of their own, where Sluice runs: names such as p1 collide with nothing
on the machine, and removing the namespaces removes everything. Their names hold the id of the test's process; a Lab removes
at its start what an earlier test left that did not live to do so.
"""
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/support"))
from tap import Tap  # noqa: E402,F401
from raw import RawSocket  # noqa: E402

PREFIX = "sluice-live-"
NOBODY = 65534
READY_SECONDS = 90  # sanitizers on a busy machine
LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def command(*args, check=True, timeout=120) -> subprocess.CompletedProcess:
    done = subprocess.run([str(a) for a in args], capture_output=True, text=True, timeout=timeout, check=False)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, args))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def wait_for(condition, seconds: float):
    """What `condition` gives as soon as it is true; its last answer when it never was."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(0.02)


def why_not_here(programs=("ip", "ethtool", "ping", "iperf3")) -> str:
    """Why live tests cannot run here; empty when they can."""
    if os.geteuid() != 0:
        return "needs root: network namespaces"
    missing = [p for p in programs if shutil.which(p) is None]
    if missing:
        return f"needs {', '.join(missing)} (Debian: iproute2 ethtool iputils-ping iperf3)"
    name = f"{PREFIX}{os.getpid()}-probe"
    made = command("ip", "netns", "add", name, check=False)
    if made.returncode == 0:
        made = command("ip", "-n", name, "link", check=False)  # in a chroot without a mount of its own this fails
    command("ip", "netns", "del", name, check=False)
    return "" if made.returncode == 0 else f"network namespaces cannot be made here: {made.stderr.strip()}"


def without_live_ports(sluice: str) -> bool:
    return "dpdk: not in this build" in command(sluice, "--version").stdout


def skip_all(why: str) -> int:
    print(f"1..0 # SKIP {why}")
    print(f"live tests skipped: {why}", file=sys.stderr)
    return 0


def environment(extra: dict) -> dict:
    # A short environment: what the tester has set must not reach `${...}` in a config.
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "ASAN_OPTIONS", "UBSAN_OPTIONS")}
    kept["LSAN_OPTIONS"] = f"suppressions={ROOT / 'tests/live/lsan.supp'}:print_suppressions=0"
    return kept | {k: str(v) for k, v in extra.items()}


class Report:
    """How a run of Sluice ended: exit code, both outputs and, where it got that far, the counters."""

    def __init__(self, code: int, out: str, err: str):
        self.code, self.out, self.err = code, out, err
        self.json = json.loads(out) if out.startswith("{") else {}
        self.drops = {reason: n for reason, n in self.json.get("drops", {}).items() if n}
        self.ports = {p["name"]: p for p in self.json.get("ports", [])}
        self.stages = {s["name"]: s for s in self.json.get("stages", [])}

    def missed(self, *ports: str) -> int:
        """Frames that devices say they could not take or send."""
        return sum(self.ports[p][k] for p in ports or self.ports
                   for k in ("rx_missed", "rx_no_mbuf", "rx_errors", "tx_errors"))

    def problems(self, code: int, counters: bool = True) -> list:
        """What is wrong with any run: another exit code, a sanitizer's report, counters that do not add up."""
        found = []
        if self.code != code:
            found.append(f"exit code {self.code}, expected {code}\n{self.err[-3000:]}")
        if "Sanitizer" in self.err or "runtime error" in self.err:
            found.append(self.err[:4000])
        if not counters:
            return found
        if not self.json:
            return found + [f"no report: {self.out[:500]}"]
        sums = {"frames": sum(p["rx_frames"] for p in self.ports.values()),
                "sent": sum(p["tx_frames"] for p in self.ports.values()), "dropped": sum(self.drops.values())}
        found += [f"{k} is {self.json[k]}, the parts add up to {n}" for k, n in sums.items() if self.json[k] != n]
        if not self.json["balanced"] or sums["frames"] + self.json["clones"] != sums["sent"] + sums["dropped"]:
            found.append(f"not balanced: {self.out}")
        return found


class Sluice:
    """A running `sluice run --json`, its outputs in files so that nothing blocks it."""

    def __init__(self, lab, config: str, *, sets=(), args=(), env=None, user: int = 0):
        self.out, self.err = (tempfile.TemporaryFile("w+") for _ in range(2))
        line = [lab.sluice, "run", "--json", ROOT / "configs" / config]
        for one in sets:
            line += ["--set", one]
        if user and os.geteuid() == 0:
            line = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--pdeathsig=KILL", *line]
        line = [*lab.inside("sw"), *line, *args]
        self.process = subprocess.Popen([str(a) for a in line], stdout=self.out, stderr=self.err, stdin=subprocess.DEVNULL,
                                        env=environment({"SLUICE_OBJECTS": lab.objects} | (env or {})),
                                        preexec_fn=die_with_parent)

    def said(self) -> str:
        """What it wrote to stderr so far."""
        return os.pread(self.err.fileno(), 1 << 20, 0).decode(errors="replace")

    def ready(self) -> bool:
        """Waits until it runs; False when it ended instead."""
        wait_for(lambda: " runs: " in self.said() or self.process.poll() is not None, READY_SECONDS)
        return " runs: " in self.said() and self.process.poll() is None

    def end(self, timeout: float = 60) -> Report:
        """Waits until it ends by itself."""
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.out.seek(0)
        self.err.seek(0)
        return Report(self.process.returncode, self.out.read(), self.err.read())

    def stop(self, how: int = signal.SIGTERM) -> Report:
        self.process.send_signal(how)
        return self.end()


class Lab:
    """Namespaces, hosts and processes; `with Lab(...)` removes them all whatever happens inside."""

    def __init__(self, sluice: str, objects: str, *, namespaces: bool = True):
        self.sluice, self.objects = os.path.abspath(sluice), os.path.abspath(objects)
        self.names, self.processes, self.sockets = [], [], []
        self.namespaces = namespaces

    def __enter__(self):
        # Meson ends a test that takes too long by SIGTERM.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
        if self.namespaces:
            remove_leftovers()
            self.namespace("sw")
        return self

    def __exit__(self, *_):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        for one in self.sockets:
            one.close()
        for name in self.names:
            remove_namespace(f"{PREFIX}{os.getpid()}-{name}")
        self.names, self.processes, self.sockets = [], [], []

    def inside(self, name: str) -> list:
        """The words that run a command in a namespace."""
        return ["ip", "netns", "exec", f"{PREFIX}{os.getpid()}-{name}"] if self.namespaces else []

    def ip(self, name: str, *args) -> None:
        command("ip", "-n", f"{PREFIX}{os.getpid()}-{name}", *args)

    def sh(self, name: str, *args, check=True, timeout=120) -> subprocess.CompletedProcess:
        return command(*self.inside(name), *args, check=check, timeout=timeout)

    def namespace(self, name: str) -> None:
        self.names.append(name)
        command("ip", "netns", "add", f"{PREFIX}{os.getpid()}-{name}")
        self.ip(name, "link", "set", "lo", "up")
        # Nobody but the tests shall speak: no router solicitations, no probing for duplicates.
        settings = {"router_solicitations": 0, "accept_dad": 0, "disable_ipv6": int(name == "sw")}
        self.sh(name, "sh", "-ec", "cd /proc/sys/net/ipv6/conf/default\n" + "\n".join(f"echo {n} > {k}" for k, n in settings.items()))

    def remove(self, name: str) -> None:
        self.names.remove(name)
        remove_namespace(f"{PREFIX}{os.getpid()}-{name}")

    def wire(self, host: str, port: str, *, offloads=("tso", "gso")) -> None:
        """A veth pair: eth0 of a host (its namespace is made) and `port` where Sluice runs; `offloads` are turned off."""
        self.namespace(host)
        self.ip("sw", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns",
                f"{PREFIX}{os.getpid()}-{host}")
        self.ip("sw", "link", "set", port, "up")
        if offloads:
            self.sh(host, "ethtool", "-K", "eth0", *[word for o in offloads for word in (o, "off")])

    def move(self, port: str, host: str) -> None:
        """A device that Sluice made becomes eth0 of a host (its namespace is made)."""
        self.namespace(host)
        self.ip("sw", "link", "set", port, "netns", f"{PREFIX}{os.getpid()}-{host}", "name", "eth0")

    def address(self, host: str, mac: str, *addresses: str, device: str = "eth0") -> None:
        self.ip(host, "link", "set", device, "address", mac)
        for address in addresses:
            self.ip(host, "addr", "add", address, "dev", device, *(["nodad"] if ":" in address else []))
        self.ip(host, "link", "set", device, "up")

    def start(self, config: str, **how) -> Sluice:
        run = Sluice(self, config, **how)
        self.processes.append(run.process)
        return run

    def raw(self, name: str, device: str = "eth0") -> RawSocket:
        """A socket that sends and receives whole frames of a device in a namespace."""
        one = RawSocket(f"/run/netns/{PREFIX}{os.getpid()}-{name}", device)
        self.sockets.append(one)
        return one

    def counter(self, name: str, which: str, device: str = "eth0") -> int:
        return int(self.sh(name, "cat", f"/sys/class/net/{device}/statistics/{which}").stdout)

    def quiet(self, *hosts: str) -> None:
        """Waits until these hosts have sent nothing for half a second."""
        sent = None
        for _ in range(40):
            before, sent = sent, [self.counter(host, "tx_packets") for host in hosts]
            if sent == before:
                return
            time.sleep(0.5)

    def pings(self, name: str, address: str, *args, count: int = 3) -> int:
        """How many of `count` were answered."""
        done = self.sh(name, "ping", "-n", "-q", "-c", count, "-i", "0.2", "-W", "3", *args, address, check=False)
        words = [line for line in done.stdout.splitlines() if "received" in line]
        return int(words[0].split(" received")[0].split()[-1]) if words else 0

    def iperf(self, server: str, client: str, address: str, *args, port: int = 5201) -> dict:
        """One iperf3 run, as its client reports it."""
        log = tempfile.TemporaryFile("w+")
        one = subprocess.Popen([*self.inside(server), "iperf3", "-s", "-1", "-p", str(port), "--forceflush"], stdout=log,
                               stderr=log, preexec_fn=die_with_parent)
        self.processes.append(one)
        wait_for(lambda: b"listening" in os.pread(log.fileno(), 4096, 0), 10)
        done = self.sh(client, "iperf3", "-J", "-c", address, "-p", port, *args, check=False)
        result = json.loads(done.stdout or "{}")
        if done.returncode != 0 or "error" in result:
            raise RuntimeError(f"iperf3: {result.get('error', done.stderr)}")
        one.wait(30)
        return result

    def tcp_counters(self, name: str) -> dict:
        """Segments a host sent again, and how many of those its peer said it had already."""
        out = {}
        for file in ("netstat", "snmp"):
            lines = self.sh(name, "cat", f"/proc/net/{file}").stdout.splitlines()
            for head, row in zip(lines[::2], lines[1::2]):
                out |= {k: int(v) for k, v in zip(head.split()[1:], row.split()[1:])}
        return {"sent_again": out["RetransSegs"], "needless": out["TCPDSACKRecv"] + out["TCPDSACKOfoRecv"]}

    def udp_overruns(self, name: str) -> int:
        """Datagrams that found their socket's buffer full."""
        head, row = [line.split() for line in self.sh(name, "cat", "/proc/net/snmp").stdout.splitlines() if
                     line.startswith("Udp:")]
        return int(dict(zip(head, row))["RcvbufErrors"])


def remove_namespace(name: str) -> None:
    for pid in command("ip", "netns", "pids", name, check=False).stdout.split():
        os.kill(int(pid), signal.SIGKILL)
    command("ip", "netns", "del", name, check=False)


def remove_leftovers() -> None:
    """Namespaces of tests whose process is no more."""
    for line in command("ip", "netns", "list").stdout.splitlines():
        name = line.split()[0]
        pid = name[len(PREFIX):].split('-')[0]
        if name.startswith(PREFIX) and (pid == str(os.getpid()) or not Path(f"/proc/{pid}").exists()):
            remove_namespace(name)
