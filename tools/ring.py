#!/usr/bin/env python3
"""Fills the balancer's ring by weighted rendezvous: prints map entries as `bpftool map dump -j` writes them.

    tools/ring.py SERVICE:BACKEND[,BACKEND...] ... > configs/balancer-ring.json
"""
import hashlib
import json
import sys

SLOTS = 1024  # RING_SIZE of programs/balancer.bpf.c


def hex_bytes(number: int) -> list[str]:
    return [f"0x{b:02x}" for b in number.to_bytes(4, "little")]


def main() -> None:
    entries = []
    for argument in sys.argv[1:]:
        service, _, backends = argument.partition(":")
        for slot in range(SLOTS):
            best = max(backends.split(","), key=lambda b: hashlib.sha256(f"{service}/{slot}/{b}".encode()).digest())
            entries.append({"key": hex_bytes(int(service) * SLOTS + slot), "value": hex_bytes(int(best))})
    print("[" + ",\n ".join(json.dumps(e, separators=(",", ":")) for e in entries) + "]")


if __name__ == "__main__":
    main()
