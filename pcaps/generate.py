#!/usr/bin/env python3
"""Makes the shipped captures, the same bytes every time. Needs nothing but Python.

    pcaps/generate.py                     writes the shipped captures into this folder
    pcaps/generate.py --check             exit 1 when a shipped capture differs from what this script makes
    pcaps/generate.py --imix N FILE       an IMIX capture of N frames, for benchmarks

imix.pcap    a mix as from an access network: 64/594/1518-byte frames 7:4:1; TCP flows, UDP, ICMP, VLAN, IPv6, and about
             one frame in forty that is a fragment, damaged, or addressed to nowhere
edge.pcap    one frame or a few for every rule of the edge router, both directions
l2.pcap, l2-p2.pcap, l2-p3.pcap   eight hosts on three ports of a switch: broadcast, answers, VLANs, a host that moves
balancer.pcap  flows to a virtual service, new and old, and what is not for it
"""
import argparse
import random
import struct
import sys
from ipaddress import ip_address
from pathlib import Path

HERE = Path(__file__).resolve().parent
ETH_IPV4, ETH_IPV6, ETH_ARP, ETH_VLAN, ETH_QINQ = 0x0800, 0x86DD, 0x0806, 0x8100, 0x88A8
TCP, UDP, ICMP, ICMP6, GRE = 6, 17, 1, 58, 47
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def checksum(data: bytes) -> int:
    """Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def eth(dst: str, src: str, kind: int, payload: bytes, tags: tuple = ()) -> bytes:
    """An Ethernet frame; `tags` are (TPID, VLAN id), outermost first. Padded to 60 bytes."""
    head = mac(dst) + mac(src)
    for tpid, vlan in tags:
        head += struct.pack("!HH", tpid, vlan)
    return (head + struct.pack("!H", kind) + payload).ljust(60, b"\0")


def ipv4(src: str, dst: str, proto: int, payload: bytes, ttl=64, ident=0, frag=0x4000, options=b"", tos=0) -> bytes:
    ihl = 5 + len(options) // 4
    head = struct.pack("!BBHHHBBH4s4s", 0x40 | ihl, tos, ihl * 4 + len(payload), ident, frag, ttl, proto, 0,
                       ip_address(src).packed, ip_address(dst).packed) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ipv6(src: str, dst: str, proto: int, payload: bytes, hops=64) -> bytes:
    return struct.pack("!IHBB16s16s", 6 << 28, len(payload), proto, hops, ip_address(src).packed,
                       ip_address(dst).packed) + payload


def with_sum(src: str, dst: str, proto: int, segment: bytes, at: int) -> bytes:
    """Fills in the checksum at `at` over the pseudo header (IPv4 or IPv6)."""
    pseudo = ip_address(src).packed + ip_address(dst).packed + struct.pack("!IHH", len(segment), 0, proto)
    value = checksum(pseudo + segment) or (0xFFFF if proto == UDP else 0)
    return segment[:at] + struct.pack("!H", value) + segment[at + 2:]


def tcp(src, dst, sport, dport, flags, payload=b"", seq=1, ack=0) -> bytes:
    head = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 5 << 4, flags, 65535, 0, 0)
    return with_sum(src, dst, TCP, head + payload, 16)


def udp(src, dst, sport, dport, payload=b"") -> bytes:
    return with_sum(src, dst, UDP, struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload, 6)


def icmp(kind: int, code: int, payload: bytes) -> bytes:
    head = struct.pack("!BBHHH", kind, code, 0, 1, 1) + payload
    return head[:2] + struct.pack("!H", checksum(head)) + head[4:]


def icmp6(src, dst, kind: int, payload: bytes) -> bytes:
    return with_sum(src, dst, ICMP6, struct.pack("!BBHHH", kind, 0, 0, 1, 1) + payload, 2)


def arp(op: int, src_mac: str, src: str, dst: str, dst_mac="00:00:00:00:00:00") -> bytes:
    return (struct.pack("!HHBBH", 1, ETH_IPV4, 6, 4, op) + mac(src_mac) + ip_address(src).packed + mac(dst_mac) +
            ip_address(dst).packed)


class Capture:
    """Frames with time stamps, written as classic pcap with nanoseconds, little endian."""

    def __init__(self, start_ns=1_700_000_000_000_000_000):
        self.records = []
        self.now = start_ns

    def add(self, frame: bytes, gap_ns=10_000):
        self.records.append((self.now, frame))
        self.now += gap_ns

    def to_bytes(self) -> bytes:
        out = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1)]
        for when, frame in self.records:
            out.append(struct.pack("<IIII", when // 10**9, when % 10**9, len(frame), len(frame)))
            out.append(frame)
        return b"".join(out)


GATEWAY, CLIENT, UPSTREAM = "02:00:00:00:00:20", "02:00:00:bb:00:02", "02:00:00:aa:00:01"
SIZES = [60] * 7 + [590] * 4 + [1514]  # IMIX without the frame check sequence


class ImixFlow:
    """A conversation that a client inside opens; every call of `frame` gives its next frame from inside."""

    def __init__(self, rng: random.Random, number: int):
        self.rng = rng
        self.kind = rng.choices(["tcp", "udp", "icmp", "tcp6", "udp6", "vlan"], [45, 25, 5, 10, 5, 10])[0]
        self.six = self.kind.endswith("6")
        if self.six:
            self.src, self.dst = f"2001:db8:1::{number + 1:x}", f"2001:db8:{rng.randrange(2, 40):x}::{rng.randrange(1, 999):x}"
        else:
            self.src = f"10.0.{number // 250 % 250}.{number % 250 + 1}"
            self.dst = f"{rng.choice([23, 52, 93, 142, 151, 185])}.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"
        self.sport, self.dport = rng.randrange(20000, 65536), rng.choice([80, 443, 443, 443, 5004, 8080])
        self.sent = 0
        self.seq = rng.getrandbits(32)

    def frame(self) -> bytes:
        tags = ((ETH_VLAN, 100 + self.sport % 4),) if self.kind == "vlan" else ()
        room = self.rng.choice(SIZES) - 14 - 4 * len(tags) - (40 if self.six else 20)
        body = bytes((self.seq + i) & 0xFF for i in range(64))
        self.sent += 1
        if self.kind.startswith("udp"):
            size = max(0, room - 8)
            proto, segment = UDP, udp(self.src, self.dst, self.sport, self.dport, (body * (size // 64 + 1))[:size])
        elif self.kind == "icmp":
            proto, segment = ICMP, icmp(8, 0, body[:max(8, min(room - 8, 56))])
        else:
            size = 0 if self.sent == 1 else max(0, room - 20)
            flags = SYN if self.sent == 1 else ACK | PSH if size else ACK
            proto = TCP
            segment = tcp(self.src, self.dst, self.sport, self.dport, flags, (body * (size // 64 + 1))[:size], self.seq)
            self.seq = (self.seq + max(size, 1)) & 0xFFFFFFFF
        if self.six:
            return eth(GATEWAY, CLIENT, ETH_IPV6, ipv6(self.src, self.dst, proto, segment), tags)
        return eth(GATEWAY, CLIENT, ETH_IPV4, ipv4(self.src, self.dst, proto, segment, ident=self.sent), tags)


def odd_frame(rng: random.Random) -> bytes:
    """Something a router must not choke on."""
    src, dst = f"10.0.9.{rng.randrange(1, 255)}", f"93.1.2.{rng.randrange(1, 255)}"
    whole = eth(GATEWAY, CLIENT, ETH_IPV4, ipv4(src, dst, UDP, udp(src, dst, 5000, 53, b"x" * 100)))
    kind = rng.randrange(8)
    if kind == 0:  # first and later fragment
        return eth(GATEWAY, CLIENT, ETH_IPV4, ipv4(src, dst, UDP, udp(src, dst, 5000, 53, b"y" * 472), frag=0x2000))
    if kind == 1:
        return eth(GATEWAY, CLIENT, ETH_IPV4, ipv4(src, dst, UDP, b"z" * 100, frag=60))
    if kind == 2:  # cut inside the IP header
        return whole[:30]
    if kind == 3:  # header length too small
        return whole[:14] + b"\x43" + whole[15:]
    if kind == 4:  # about to expire
        return eth(GATEWAY, CLIENT, ETH_IPV4, ipv4(src, dst, UDP, udp(src, dst, 5000, 53, b"q"), ttl=1))
    if kind == 5:  # nowhere to go
        return eth(GATEWAY, CLIENT, ETH_IPV4, ipv4(src, "240.0.0.1", UDP, udp(src, "240.0.0.1", 5000, 53, b"q")))
    if kind == 6:
        return eth("ff:ff:ff:ff:ff:ff", CLIENT, ETH_ARP, arp(1, CLIENT, src, "10.0.0.1"))
    return eth(GATEWAY, CLIENT, ETH_IPV4, ipv4(src, dst, UDP, udp(src, dst, 5000, 53, b"opt"), options=b"\x94\x04\0\0"),
               ((ETH_QINQ, 7), (ETH_VLAN, 8)))


def imix(frames: int) -> Capture:
    rng = random.Random(20260101)
    capture = Capture()
    flows = [ImixFlow(rng, n) for n in range(max(8, min(frames // 20, 20000)))]
    for _ in range(frames):
        if rng.randrange(40) == 0:
            capture.add(odd_frame(rng), rng.randrange(1_000, 20_000))
        else:
            capture.add(rng.choice(flows).frame(), rng.randrange(1_000, 20_000))
    return capture


def edge() -> Capture:
    """For every rule of the edge router a frame that meets it."""
    c = Capture()
    inside, outside = ("10.1.0.5", CLIENT), ("203.0.113.77", UPSTREAM)

    def v4(src, dst, proto, segment, **more):
        c.add(eth(GATEWAY, CLIENT, ETH_IPV4, ipv4(src, dst, proto, segment, **more)), 1_000_000)

    def t(src, dst, sport, dport, flags, payload=b"", **more):
        v4(src, dst, TCP, tcp(src, dst, sport, dport, flags, payload), **more)

    a, b = inside[0], outside[0]
    t(a, b, 40000, 443, SYN)
    t(b, a, 443, 40000, SYN | ACK)
    t(a, b, 40000, 443, ACK | PSH, b"hello")
    t(b, "10.1.0.9", 50000, 443, SYN)          # open port
    t(b, "10.1.0.9", 50000, 22, SYN)           # closed by value 0
    t(b, "10.1.0.9", 50000, 2222, SYN)         # closed by absence
    t(b, "10.1.0.9", 50001, 443, ACK)          # no state
    for dport in (53, 443):
        v4(b, "10.1.0.9", UDP, udp(b, "10.1.0.9", 1000, dport, b"datagram"))
    t("192.0.2.9", "10.1.0.9", 1, 443, SYN)    # denied source
    t("198.51.100.7", "10.1.0.9", 1, 2222, SYN)  # allowed source
    for n in range(12):                         # more SYNs than a small limit lets through
        t("203.0.113.200", "10.1.0.9", 2000 + n, 443, SYN)
    v4(a, b, ICMP, icmp(8, 0, b"ping" * 8))
    v4(a, b, GRE, b"\0\0\x08\0" + b"g" * 20)
    t(a, b, 40000, 443, ACK, ttl=1)
    t(a, "240.0.0.1", 40000, 443, SYN)
    t(a, "192.168.100.1", 40000, 22, SYN)      # the router itself
    v4(a, b, UDP, udp(a, b, 9, 9, b"f" * 64), frag=0x2000)
    v4(a, b, UDP, b"f" * 64, frag=9)
    t(a, b, 40000, 443, ACK, b"opts", options=b"\x01\x01\x01\x00")
    whole = c.records[0][1]
    for cut in (14, 20, 33, 34, 40, 53):
        c.add(whole[:cut])
    c.add(whole[:14] + b"\x65" + whole[15:])    # version 6 in an IPv4 frame
    c.add(whole[:14] + b"\x44" + whole[15:])    # header of 16 bytes
    for tags in (((ETH_VLAN, 5),), ((ETH_QINQ, 5), (ETH_VLAN, 6)), ((ETH_VLAN, 5),) * 3):
        c.add(eth(GATEWAY, CLIENT, ETH_IPV4, ipv4(a, b, TCP, tcp(a, b, 40000, 443, ACK)), tags))
    six, far = "2001:db8:1::5", "2001:db8:2::9"
    for dst, hops in ((far, 64), (far, 1), ("2001:db8:ffff::1", 64), ("3fff::1", 64)):
        c.add(eth(GATEWAY, CLIENT, ETH_IPV6, ipv6(six, dst, UDP, udp(six, dst, 4000, 443, b"six"), hops)))
    c.add(eth(GATEWAY, CLIENT, ETH_IPV6, ipv6(six, far, ICMP6, icmp6(six, far, 128, b"ping6"))))
    c.add(eth(GATEWAY, CLIENT, ETH_IPV6, ipv6(six, far, TCP, tcp(six, far, 4001, 443, SYN)))[:60])
    c.add(eth(GATEWAY, CLIENT, ETH_IPV6, ipv6(six, far, TCP, tcp(six, far, 4001, 443, SYN))))
    c.add(eth("ff:ff:ff:ff:ff:ff", CLIENT, ETH_ARP, arp(1, CLIENT, a, "10.1.0.1")))
    c.add(eth("01:80:c2:00:00:0e", CLIENT, 0x88CC, b"\x02\x07\x04" + mac(CLIENT) + b"\0\0"))
    return c


def l2() -> list:
    """What the hosts of three ports send: a capture a port, on one clock."""
    ports = [Capture(), Capture(), Capture()]
    rng = random.Random(7)
    hosts = [f"02:00:00:00:01:{n:02x}" for n in range(1, 9)]
    ip = {h: f"10.9.0.{n}" for n, h in enumerate(hosts, 1)}
    home = {h: n * 3 // 8 for n, h in enumerate(hosts)}

    def send(src: str, frame: bytes, gap_ns=40_000_000) -> None:
        ports[home.get(src, 0)].add(frame, 0)
        for port in ports:
            port.now += gap_ns

    for h in hosts[:6]:
        send(h, eth("ff:ff:ff:ff:ff:ff", h, ETH_ARP, arp(1, h, ip[h], "10.9.0.1")), 5_000_000)
    for n in range(120):
        src, dst = rng.sample(hosts, 2)
        if n == 60:
            home[hosts[7]] = 0  # the last host moves to the first port
        tags = ((ETH_VLAN, rng.choice([10, 20])),) if n % 5 == 0 else ()
        send(src, eth(dst, src, ETH_IPV4, ipv4(ip[src], ip[dst], UDP, udp(ip[src], ip[dst], 1000 + n, 7, b"l2" * n)), tags))
    send(hosts[0], eth("01:00:5e:00:00:fb", hosts[0], ETH_IPV4,
                       ipv4(ip[hosts[0]], "224.0.0.251", UDP, udp(ip[hosts[0]], "224.0.0.251", 5353, 5353, b"mdns"))))
    send(hosts[1], eth("33:33:00:00:00:01", hosts[1], ETH_IPV6,
                       ipv6("fe80::1", "ff02::1", ICMP6, icmp6("fe80::1", "ff02::1", 134, b"ra"))))
    send("", eth(hosts[2], "03:00:00:00:00:01", ETH_IPV4, b"\0" * 46))   # a group address as source: not learnt
    send(hosts[2], eth(hosts[2], hosts[2], ETH_IPV4, b"\0" * 46))        # to itself
    send(hosts[1], eth(hosts[2], hosts[1], ETH_VLAN, b"")[:16])          # cut inside the tag
    return ports


def balancer() -> Capture:
    c = Capture()
    rng = random.Random(11)
    vip, router = "198.18.0.1", "02:00:00:aa:00:01"

    def send(src, sport, dport, proto, segment, **more):
        c.add(eth("02:00:00:00:00:30", router, ETH_IPV4, ipv4(src, more.pop("dst", vip), proto, segment, **more)), 100_000)

    flows = [(f"100.64.{rng.randrange(256)}.{rng.randrange(1, 255)}", rng.randrange(1024, 65536), rng.choice([80, 443]))
             for _ in range(60)]
    for turn in range(4):
        for src, sport, dport in flows:
            send(src, sport, dport, TCP, tcp(src, vip, sport, dport, SYN if turn == 0 else ACK, b"get" * turn * 30))
    for src, sport, _ in flows[:20]:
        send(src, sport, 53, UDP, udp(src, vip, sport, 53, b"query"))
    src = flows[0][0]
    send(src, 1, 443, TCP, tcp(src, vip, 1, 443, SYN), ttl=1)
    send(src, 1, 25, TCP, tcp(src, vip, 1, 25, SYN))                         # no such service
    send(src, 1, 443, TCP, tcp(src, vip, 1, 443, ACK, b"b" * 1460))          # too big once encapsulated
    send(src, 1, 443, TCP, tcp(src, vip, 1, 443, ACK, b"b" * 1440))          # just fits
    send(src, 1, 443, UDP, udp(src, vip, 1, 53, b"f" * 32), frag=0x2000)
    send(src, 0, 0, ICMP, icmp(8, 0, b"ping"))
    send(src, 1, 443, TCP, tcp(src, vip, 1, 443, SYN), options=b"\x01\x01\x01\x00")
    send(src, 1, 9, TCP, tcp(src, "198.18.0.9", 1, 9, SYN), dst="198.18.0.9")  # a service without backends
    c.add(eth("02:00:00:00:00:30", router, ETH_IPV6, ipv6("2001:db8::1", "2001:db8::2", TCP, b"\0" * 20)))
    for cut in (14, 30, 34, 36):
        c.add(c.records[0][1][:cut])
    return c


SHIPPED = {"imix.pcap": lambda: imix(2400), "edge.pcap": edge, "balancer.pcap": balancer,
           "l2.pcap": lambda: l2()[0], "l2-p2.pcap": lambda: l2()[1], "l2-p3.pcap": lambda: l2()[2]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the files here instead of writing")
    parser.add_argument("--imix", nargs=2, metavar=("N", "FILE"), help="write an IMIX capture of N frames")
    options = parser.parse_args()
    if options.imix:
        Path(options.imix[1]).write_bytes(imix(int(options.imix[0])).to_bytes())
        return 0
    status = 0
    for name, make in SHIPPED.items():
        data, path = make().to_bytes(), HERE / name
        if not options.check:
            path.write_bytes(data)
        elif not path.is_file() or path.read_bytes() != data:
            print(f"{name} differs from what generate.py makes; run pcaps/generate.py", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
