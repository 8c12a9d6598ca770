#!/usr/bin/env python3
"""The generated pages of docs/ are what the binary says today; `./run docs` writes them.

Usage: docs_test.py SLUICE
"""
import os
import sys
from pathlib import Path

from runner import Run, Tap

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
PAGES = {"schema.json": [], "config.md": ["--page", "config"], "helpers.md": ["--page", "helpers"],
         "drops.md": ["--page", "drops"], "errors.md": ["--page", "errors"]}


def main() -> int:
    sluice = os.path.abspath(sys.argv[1])
    tap = Tap()
    for name, options in PAGES.items():
        done = Run(sluice, ["schema", *options])
        current = done.out == (DOCS / name).read_text()
        tap.report(f"docs/{name}", done.problems(0) + ([] if current else ["is out of date: ./run docs"]))
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
