#!/usr/bin/env python3
"""What decides how an object is loaded, through the real binary: --kconfig, --btf, CO-RE that cannot be resolved, tail calls
that the object itself implies, and programs that a pipeline file attaches to entries of a CPU map; what --seed
decides.

Usage: load_test.py SLUICE TEST_OBJECTS CLI_OBJECTS
"""
import json
import os
import random
import re
import struct
import sys
import tempfile
from pathlib import Path

from runner import Run, Tap

ROOT = Path(__file__).resolve().parent.parent.parent
GOOD = {"CONFIG_SWITCHED": "y", "CONFIG_MODULE": "m", "CONFIG_LETTER": "y", "CONFIG_NUMBER": "3", "CONFIG_SIGNED": "-1",
        "CONFIG_TEXT": "abc"}
# --kconfig with one value changed (None: not said): exit code and what stderr says.
KCONFIG = [
    ({}, 0, ""),
    ({"CONFIG_WEAK": "7"}, 0, ""),
    ({"CONFIG_UNASKED": "7"}, 0, ""),
    ({"CONFIG_NUMBER": "0xffffffff"}, 0, ""),
    ({"CONFIG_TEXT": "x" * 100_000}, 0, ""),
    ({"CONFIG_TEXT": ""}, 0, ""),
    ({"CONFIG_SWITCHED": None}, 4, '"CONFIG_SWITCHED" is not defined in this object and has no value'),
    ({"CONFIG_SWITCHED": "maybe"}, 4, '"CONFIG_SWITCHED" has the value "maybe", expected y or n'),
    ({"CONFIG_SWITCHED": "m"}, 4, "expected y or n"),
    ({"CONFIG_MODULE": "1"}, 4, "expected y, n or m"),
    ({"CONFIG_LETTER": "256"}, 4, "expected y, n, m or a number of one byte"),
    ({"CONFIG_NUMBER": "-1"}, 4, "expected a number that fits the variable's type"),
    ({"CONFIG_NUMBER": "4294967296"}, 4, "expected a number that fits the variable's type"),
    ({"CONFIG_NUMBER": "9" * 100_000}, 4, "expected a number that fits the variable's type"),
    ({"CONFIG_NUMBER": "3 "}, 4, "expected a number that fits the variable's type"),
    ({"CONFIG_SIGNED": "--1"}, 4, "expected a number that fits the variable's type"),
    ({"LINUX_KERNEL_VERSION": "new"}, 4, '"LINUX_KERNEL_VERSION" has the value "new"'),
]
# Not NAME=VALUE at all.
MALFORMED = ["CONFIG_SWITCHED", "", "=y", "\x1b[31mred"]
PLACE = re.compile(r'offset \d+ of "xdp", kconfig\.bpf\.c:\d+: ')
ROUNDS = 60  # of damage to a file of types


class Tester:
    def __init__(self, sluice: str, objects: str, cli_objects: str, scratch: Path):
        self.sluice, self.objects, self.cli_objects, self.scratch = sluice, Path(objects), cli_objects, scratch
        self.tap = Tap()
        self.frame = scratch / "frame"
        self.frame.write_bytes(bytes(64))

    def run(self, *args: str) -> Run:
        return Run(self.sluice, list(args), cwd=self.scratch, env={"CLI_OBJECTS": self.cli_objects})

    def check(self, name: str, args: list, code: int, err: str = "", out: str = "") -> Run:
        """`err`: what is said; the verdict of `prog verify` is a result and stands on stdout."""
        done = self.run(*map(str, args))
        problems = done.problems(code)
        said = done.err + (done.out if code != 0 else "")
        problems += [f"not said: {err}\n{said[:2000]}"] if err not in said else []
        problems += [f"not on stdout: {out}\n{done.out[:2000]}"] if out not in done.out else []
        self.tap.report(name, problems)
        return done

    # --- --kconfig ---

    def kconfig(self) -> None:
        path = self.objects / "kconfig.o"
        verbs = {"verify": ["prog", "verify", path], "dump": ["prog", "dump", path, "bpf"],
                 "run": ["prog", "run", path, "--program", "use_kconfig", "--data-in", self.frame]}
        for changed, code, err in KCONFIG:
            values = {name: value for name, value in (GOOD | changed).items() if value is not None}
            options = [word for name, value in values.items() for word in ("--kconfig", f"{name}={value}")]
            label = ", ".join(f"{name}={value if value is None else value[:12]}" for name, value in changed.items())
            for verb, start in verbs.items():
                done = self.check(f"{verb} with {label or 'all values'}", start + options, code, err)
                if code != 0:
                    self.tap.report(f"{verb} with {label} says where", [] if PLACE.search(done.err) else [done.err[:500]])
        for word in MALFORMED:
            for verb, start in verbs.items():
                done = self.check(f"{verb} with {word!r}", start + ["--kconfig", word], 2, "NAME=VALUE" if word else "")
                self.tap.report(f"{verb} with {word!r} prints no escape", [done.err] if "\x1b" in done.err else [])
        options = [word for name, value in GOOD.items() for word in ("--kconfig", f"{name}={value}")]
        self.check("the program sees the values", [*verbs["run"], *options], 0, out="pass (2), 64 bytes")
        options += ["--kconfig", "CONFIG_SIGNED=0"]  # the last one counts
        self.check("the last value counts", [*verbs["run"], *options], 0, out="tx (3), 64 bytes")

    # --- --btf ---

    def types(self) -> None:
        path, target = self.objects / "core.c19.o", self.objects / "core_target.c19.o"
        raw = self.scratch / "raw.btf"
        raw.write_bytes(section_of(target.read_bytes(), b".BTF"))
        verbs = {"verify": ["prog", "verify", path, "--program", "offsets"],
                 "dump": ["prog", "dump", path, "bpf", "--program", "offsets"],
                 "run": ["prog", "run", path, "--program", "offsets", "--data-in", self.frame]}
        empty, text, tail = self.scratch / "empty", self.scratch / "text", self.scratch / "tail"
        empty.touch()
        text.write_text("struct frame { int x; };\n")
        tail.write_bytes(raw.read_bytes()[:-1])
        bad = [("/nonexistent", 5, "/nonexistent: No such file or directory"), (self.scratch, 5, "not a regular file"),
               ("/dev/zero", 5, "not a regular file"), (empty, 4, "offset 0: 0 bytes hold no header"),
               (text, 4, "offset 0: magic is"), (tail, 4, "strings lie outside the section"),
               (self.objects / "maps.plain.o", 4, "no section .BTF")]
        for verb, start in verbs.items():
            for types in (target, raw):
                self.check(f"{verb} against {types.name}", [*start, "--btf", types], 0)
            for types, code, err in bad:
                self.check(f"{verb} against {types}", [*start, "--btf", types], code, err)
            # Nobody built in knows these structs.
            if verb != "dump":
                self.check(f"{verb} without a file", start, 4, "which is not among the types at hand")

    def damaged_types(self) -> None:
        """Cut and bit-flipped: the program is verified, or refused with a reason."""
        start = ["prog", "verify", str(self.objects / "core.c19.o"), "--btf"]
        good = section_of((self.objects / "core_target.c19.o").read_bytes(), b".BTF")
        generator = random.Random(20261126)
        codes = {0: 0, 4: 0}
        problems = []
        for i in range(2 * ROUNDS):
            damaged = bytearray(good)
            if i < ROUNDS:
                del damaged[generator.randrange(len(good)):]
            else:
                for _ in range(generator.randint(1, 4)):
                    damaged[generator.randrange(len(good))] ^= 1 << generator.randrange(8)
            types = self.scratch / "damaged.btf"
            types.write_bytes(damaged)
            done = self.run(*start, str(types))
            if done.code not in codes:
                problems += done.problems(4)
                continue
            codes[done.code] += 1
            problems += done.problems(done.code)
            place = re.search(r"damaged\.btf: offset \d+: |error\[[a-z-]+\]|offset \d+ of \"", done.err + done.out)
            if done.code == 4 and not place:
                problems.append(f"round {i}: no place: {done.err[:500]}")
        if codes[4] < ROUNDS:
            problems.append(f"only {codes[4]} refused")
        self.tap.report(f"{2 * ROUNDS} damaged files of types", problems)

    def unresolved(self) -> None:
        done = self.check("CO-RE that cannot be resolved",
                          ["prog", "verify", self.objects / "core.c19.o", "--program", "unguarded", "--btf",
                           self.objects / "core_target.c19.o"], 4, "byte offset of struct frame.absent")
        for what, part in {"program and section": 'program "unguarded", section "xdp"', "source line": "return f->absent;",
                           "cure": "--btf"}.items():
            self.tap.report(f"it names the {what}", [] if part in done.err + done.out else [done.err + done.out])
        place = re.search(r"core\.bpf\.c:\d+:\d+: error\[unknown-helper\]", done.err + done.out)
        self.tap.report("it names the file and line", [] if place else [done.err])

    # --- what the object wires itself ---

    def implied_tail_calls(self) -> None:
        for stem, last in (("tail_tags.c14.o", "tx (3), 64 bytes"), ("tail_tags.c19.o", "tx (3), 64 bytes"),
                           ("iproute2.c14.o", "tx (3), 64 bytes"), ("iproute2.c19.o", "tx (3), 64 bytes"),
                           ("iproute2.c19.plain.o", "tx (3), 64 bytes")):
            for engine in ("interp", "jit"):
                options = [] if stem.startswith("tail") else ["--type", "xdp"]
                self.check(f"{stem}: entry reaches the last program on {engine}",
                           ["prog", "run", self.objects / stem, "--program", "entry", "--data-in", self.frame, "--engine",
                            engine, *options], 0, out=last)
        for stem, err in (("bad_tail_tags1.c19.o", 'the object declares no prog array "nothing"'),
                          ("bad_tail_tags2.c19.o", 'is not "tail:MAP/SLOT"'),
                          ("bad_tail_tags3.c19.o", 'slot 0 is for "middle" and for "wrong"'),
                          ("bad_iproute22.c19.o", 'slot 1 is for "first" and for "first_again"')):
            done = self.check(f"{stem} is refused", ["prog", "run", self.objects / stem, "--program", "entry", "--data-in",
                                                     self.frame], 4, err)
            self.tap.report(f"{stem}: where", [] if re.search(r'offset \d+ of "', done.err) else [done.err])

    def cpumap(self) -> None:
        """`program:` of a CPUMAP's entry decides over each frame that goes there."""
        base = """version: 1
ports: {p1: {device: eth0}, p2: {device: eth1}, p3: {device: eth2}}
programs:
  first: {object: "${CLI_OBJECTS}/cpus.bpf.o", function: to_cpu}
  second: {object: "${CLI_OBJECTS}/cpus.bpf.o", function: on_cpu}
pipelines: {p: {entry: first, on_pass: p2}}
attach: [{ports: [p1], ingress: p}]
maps: {cpus: {entries: [{key: 0, value: {qsize: 8}, program: %s}]}}
"""
        config = self.scratch / "cpus.yaml"
        config.write_text(base % "second")
        self.check("a program of a CPU map's entry", ["check", config], 0, out="verified")
        for engine in ("interp", "jit"):
            done = self.check(f"it is run on {engine}", ["replay", "--json", "-i", f"p1={ROOT}/pcaps/l2.pcap", "--engine", engine,
                                                         config], 0)
            self.tap.report(f"every second frame passes on {engine}", self.halved(done.out))
        config.write_text(base % "first")
        done = self.check("a program of another type there", ["check", config], 3,
                          'map cpus: first is xdp, a cpumap entry takes SEC("xdp/cpumap")')
        self.tap.report("it has a place", [] if "cpus.yaml:8:" in done.err else [done.err])

    def seeds(self) -> None:
        """SYN cookies of a replay follow --seed: one seed, one capture out."""
        config = self.scratch / "cookies.yaml"
        config.write_text("""version: 1
ports: {p1: {device: eth0}}
programs: {c: {object: "${CLI_OBJECTS}/asks.bpf.o", function: cookie}}
pipelines: {p: {entry: c, on_pass: drop}}
attach: [{ports: [p1], ingress: p}]
""")
        syn = bytes.fromhex("020000000001020000000002" "0800" "4500002800000000400600000a0000010a000002"
                            "12340050" "00000001" "00000000" "5002ffff00000000")
        capture = self.scratch / "syn.pcap"
        capture.write_bytes(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)
                            + struct.pack("<IIII", 1_700_000_000, 0, len(syn), len(syn)) + syn)
        out = []
        for seed in (1, 1, 2):
            folder = self.scratch / f"out{len(out)}"
            self.check(f"cookies by seed {seed}", ["replay", "-q", "-i", f"p1={capture}", "--seed", seed, "--engine", "interp",
                                                   "--engine", "jit", "-o", f"{folder}/", config], 0)
            out.append((folder / "p1.pcap").read_bytes()[-len(syn):] if (folder / "p1.pcap").exists() else b"")
        tail = all(frame[6:] == syn[6:] for frame in out)
        right = tail and out[0] == out[1] and out[0][:4] != out[2][:4] and out[0][:4] != syn[:4]
        self.tap.report("cookies are those of the seed", [] if right else [frame.hex() for frame in out])

    @staticmethod
    def halved(text: str) -> list:
        try:
            result = json.loads(text)
        except ValueError as error:
            return [f"{error}: {text[:500]}"]
        ports = {port["name"]: port for port in result["ports"]}
        frames, passed, dropped = ports["p1"]["rx_frames"], ports["p2"]["tx_frames"], result["drops"]["cpumap_drop"]
        good = frames > 1 and passed == (frames + 1) // 2 and dropped == frames // 2
        return [] if good else [f"{frames} frames, {passed} passed, {dropped} dropped"]


def section_of(image: bytes, name: bytes) -> bytes:
    """The bytes of a section of an ELF file."""
    def number(at: int, size: int) -> int:
        return int.from_bytes(image[at:at + size], "little")

    table, count, names = number(40, 8), number(60, 2), number(62, 2)
    strings = number(table + 64 * names + 24, 8)
    for i in range(count):
        header = table + 64 * i
        start = strings + number(header, 4)
        if image[start:image.index(b"\0", start)] == name:
            offset, size = number(header + 24, 8), number(header + 32, 8)
            return image[offset:offset + size]
    raise LookupError(name)


def main() -> int:
    with tempfile.TemporaryDirectory() as directory:
        tester = Tester(*map(os.path.abspath, sys.argv[1:4]), Path(directory))
        tester.kconfig()
        tester.types()
        tester.damaged_types()
        tester.unresolved()
        tester.implied_tail_calls()
        tester.cpumap()
        tester.seeds()
        return tester.tap.done()


if __name__ == "__main__":
    sys.exit(main())
