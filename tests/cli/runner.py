"""What the tests of the command line share: run the binary, see what is wrong with the run."""
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from tap import Tap  # noqa: E402,F401


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
