"""What the tests of the command line share: run the binary, count results as TAP."""
import os
import subprocess
import sys


class Tap:
    """Prints one TAP line a check; `finish` gives the exit code."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def check(self, name: str, problems: list[str]) -> None:
        self.count += 1
        self.failed += bool(problems)
        print(f"{'not ok' if problems else 'ok'} {self.count} - {name}")
        for problem in problems:
            for line in problem.splitlines():
                print(f"#   {line}")
        sys.stdout.flush()

    def finish(self) -> int:
        print(f"1..{self.count}")
        return 1 if self.failed else 0


class Run:
    """One run of the binary: code, out, err."""

    def __init__(self, sluice: str, args: list[str], cwd=None, env=None, stdin=b""):
        # A short environment: what the tester has set must not reach `${...}` in a config.
        full = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "ASAN_OPTIONS", "UBSAN_OPTIONS")}
        done = subprocess.run([sluice, *args], cwd=cwd, env=full | (env or {}), input=stdin, capture_output=True,
                              timeout=240, check=False)
        self.code = done.returncode
        self.out = done.stdout.decode(errors="replace")
        self.err = done.stderr.decode(errors="replace")

    def problems(self, code: int) -> list[str]:
        """What is wrong with any run: another exit code, a crash, a sanitizer's report."""
        found = []
        if self.code != code:
            found.append(f"exit code {self.code}, expected {code}\n{self.err[:2000]}")
        if "Sanitizer" in self.err or "runtime error" in self.err:
            found.append(self.err[:4000])
        return found
