#!/usr/bin/env python3
"""Writes the bytes of a file as the inside of a C++ array: embed.py INPUT OUTPUT."""
import sys


def main() -> None:
    source, target = sys.argv[1:]
    data = open(source, "rb").read()
    lines = [", ".join(str(b) for b in data[i : i + 32]) for i in range(0, len(data), 32)]
    open(target, "w").write(",\n".join(lines) + "\n")


main()
