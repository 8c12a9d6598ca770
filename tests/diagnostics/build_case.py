#!/usr/bin/env python3
"""Compiles a case as it is and with the fix that its golden message names.

Usage: build_case.py NAME.bpf.c OUTPUT_FOLDER CLANG FLAGS...

Writes NAME.o, NAME.fixed.bpf.c and NAME.fixed.o. Where the message has no fix that can be carried out, the case's own
`// patch:` lines are; they are written in the same way. A case without either leaves NAME.fixed.o empty, and its test
fails.
"""
import re
import subprocess
import sys
from pathlib import Path

FORMS = [
    ("after", re.compile(r"after line (\d+): (.*)")),
    ("before", re.compile(r"before line (\d+): (.*)")),
    ("remove", re.compile(r"remove line (\d+): (.*)")),
    ("line", re.compile(r"line (\d+): write `(.*)` instead of `(.*)`")),
    ("declaration", re.compile(r"in the declaration of (\w+): write `(.*)` instead of `(.*)`")),
]


def parse(text: str):
    """The form of a fix and its parts, or None when it is advice in words."""
    for form, pattern in FORMS:
        found = pattern.fullmatch(text)
        if found:
            return form, found.groups()
    return None


def apply(lines: list, fixes: list) -> list:
    """`lines` with all fixes carried out; line numbers are those of the original."""
    added_before, added_after = {}, {}
    lines = list(lines)
    for form, parts in fixes:
        if form == "after":
            added_after.setdefault(int(parts[0]), []).append(parts[1])
        elif form == "before":
            added_before.setdefault(int(parts[0]), []).append(parts[1])
        elif form == "remove":
            if lines[int(parts[0]) - 1].strip() != parts[1]:
                raise ValueError(f"line {parts[0]} is not {parts[1]!r}")
            lines[int(parts[0]) - 1] = ""
        else:
            number = int(parts[0]) if form == "line" else declaration(lines, parts[0], parts[2])
            if parts[2] not in lines[number - 1]:
                raise ValueError(f"line {number} does not hold {parts[2]!r}")
            lines[number - 1] = lines[number - 1].replace(parts[2], parts[1], 1)
    out = []
    for number, line in enumerate(lines, 1):
        out += added_before.get(number, []) + [line] + added_after.get(number, [])
    return out


def declaration(lines: list, name: str, text: str) -> int:
    """The line of the declaration of a map or function that holds `text`."""
    ends = [i for i, line in enumerate(lines) if re.search(rf"\b{name}(\b.* SEC\(\"\.maps\"\)|\()", line)]
    for i in range(ends[0] if ends else -1, -1, -1):
        if text in lines[i]:
            return i + 1
    raise ValueError(f"the declaration of {name} does not hold {text!r}")


def main() -> int:
    source, folder, compiler = Path(sys.argv[1]), Path(sys.argv[2]).resolve(), sys.argv[3:]
    name = source.name.removesuffix(".bpf.c")
    # The file's name in messages is to be as short as the case's.
    # Authors look past warnings, and messages are for them too.
    command = [*(flag for flag in compiler if flag != "-Werror"), "-w", "-g", "-mcpu=v3", "-fdebug-compilation-dir=.", "-c"]
    subprocess.run([*command, source.name, "-o", folder / f"{name}.o"], cwd=source.parent, check=True)
    lines = source.read_text().splitlines()
    golden = source.with_name(f"{name}.txt")
    message = golden.read_text().splitlines() if golden.exists() else []
    fixes = [parse(line[len(" fix:"):].strip()) for line in message if line.startswith(" fix:")]
    patches = [line.removeprefix("// patch: ") for line in lines if line.startswith("// patch: ")]
    chosen = [parse(patch) for patch in patches] if patches else fixes
    fixed, fixed_object = folder / f"{name}.fixed.bpf.c", folder / f"{name}.fixed.o"
    fixed_object.write_bytes(b"")
    if not chosen or None in chosen:
        fixed.write_text("")
        return 0
    try:
        text = "\n".join(apply(lines, chosen)) + "\n"
    except ValueError as error:
        fixed.write_text(f"{error}\n")
        return 0
    fixed.write_text(text.replace('"../verifier/', f'"{source.resolve().parent.parent}/verifier/'))
    # A fix that does not compile fails its test, not the build.
    if subprocess.run([*command, fixed, "-o", fixed_object], check=False).returncode != 0:
        fixed_object.write_bytes(b"")
    return 0


if __name__ == "__main__":
    sys.exit(main())
