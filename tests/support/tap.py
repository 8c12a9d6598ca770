"""Test Anything Protocol for tests that drive the binary: one line a check, understood by Meson (`protocol: 'tap'`)."""
import sys


class Tap:
    def __init__(self):
        self.count = 0
        self.failed = 0

    def check(self, condition, name: str, detail="") -> bool:
        """Reports one check; `detail` is shown when it fails."""
        self.count += 1
        name = name.replace("#", "no. ")
        print(f"{'ok' if condition else 'not ok'} {self.count} - {name}")
        if not condition:
            self.failed += 1
            for line in str(detail).splitlines()[:40]:
                print(f"# {line}")
        sys.stdout.flush()
        return bool(condition)

    def report(self, name: str, problems: list) -> bool:
        """A check that passes when nothing is wrong; each of `problems` is shown otherwise."""
        return self.check(not problems, name, "\n".join(map(str, problems)))

    def skip(self, name: str, why: str) -> None:
        self.count += 1
        print(f"ok {self.count} - {name} # SKIP {why}")

    def done(self) -> int:
        print(f"1..{self.count}")
        return 1 if self.failed else 0
