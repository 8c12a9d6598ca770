#!/usr/bin/env python3
"""Line coverage of the folders whose correctness all else stands on, from a build with -Dcoverage=true after its tests.

    tools/coverage.py BUILD_DIR     one line a folder; exit 1 below the bar or when gcovr fails
The result stays in BUILD_DIR/coverage.json; BUILD_DIR/coverage.txt has gcovr's table of lines not reached.
"""
import json
import subprocess
import sys
from pathlib import Path

FOLDERS = ("vm", "verifier", "jit", "helpers")
BAR = 90.0  # percent
LONGEST = 600  # seconds


def main() -> int:
    build = Path(sys.argv[1])
    root = Path(__file__).resolve().parent.parent
    # Never -o /dev/null: gcovr tries whether it can write a file by making and deleting it, and root can.
    # Threads that count the same branch at once may leave a negative number, on which gcovr stops for ever.
    command = ["gcovr", "-r", str(root), "--object-directory", str(build), "-j", "2", "--gcov-ignore-parse-errors",
               "--exclude-throw-branches",
               "--json-summary", str(build / "coverage.json"), "--txt", str(build / "coverage.txt")]
    for folder in FOLDERS:
        command += ["-f", f"{folder}/"]
    try:
        done = subprocess.run([*command, str(build)], cwd=root, capture_output=True, text=True, check=False, timeout=LONGEST)
    except subprocess.TimeoutExpired:
        print(f"coverage: gcovr did not end within {LONGEST} s")
        return 1
    if done.returncode != 0:
        print(f"coverage: gcovr failed with {done.returncode}\n{done.stderr[-2000:]}")
        return 1
    files = json.loads((build / "coverage.json").read_text())["files"]
    status = 0
    for folder in FOLDERS:
        inside = [f for f in files if f["filename"].startswith(f"{folder}/")]
        lines, covered = (sum(f[key] for f in inside) for key in ("line_total", "line_covered"))
        percent = 100 * covered / lines if lines else 0.0
        below = percent < BAR
        status |= below
        print(f"coverage {folder}: {percent:.1f}% ({covered} of {lines} lines){f', below the bar of {BAR:.0f}%' if below else ''}")
    return status


if __name__ == "__main__":
    sys.exit(main())
