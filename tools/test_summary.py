#!/usr/bin/env python3
"""Sums up Meson's JUnit log: names what failed and what was skipped, ends with `N passed, N failed[, N skipped]`.

Usage: test_summary.py BUILD_DIR. Exit 1 when a test failed or none ran.
"""
import sys
import xml.etree.ElementTree as ET
from pathlib import Path


def main() -> int:
    log = Path(sys.argv[1]) / "meson-logs" / "testlog.junit.xml"
    passed, failed, skipped = 0, [], []
    for suite in ET.parse(log).getroot().iter("testsuite"):
        for case in suite.iter("testcase"):
            name = f"{suite.get('name')}: {case.get('classname', '')}.{case.get('name')}"
            skip = case.find("skipped")
            if case.find("failure") is not None or case.find("error") is not None:
                failed.append(name)
            elif skip is not None or case.get("result") == "skipped":
                skipped.append(f"{name}: {(skip.get('message') or skip.text or '').strip() if skip is not None else ''}")
            else:
                passed += 1
    for name in skipped:
        print(f"SKIPPED {name}")
    for name in failed:
        print(f"FAILED  {name}")
    tail = f", {len(skipped)} skipped" if skipped else ""
    print(f"{passed} passed, {len(failed)} failed{tail}")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
