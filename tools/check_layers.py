#!/usr/bin/env python3
"""Checks the dependency staircase of docs/architecture.md: which folder may include which, third-party headers included.

Usage: check_layers.py [ROOT]. Prints FILE:LINE: message for every forbidden include; exit 1 when there is one.
"""
import re
import sys
from pathlib import Path

DATAPLANE = ["config", "pipeline", "io", "replay", "control", "kernel", "cli"]

# folder -> folders it may include beside itself; the most specific folder of a file counts
BELOW = {
    "base": [],
    "vm": ["base"],
    "verifier": ["vm", "base"],
    "jit": ["vm", "base"],
    "helpers": ["vm", "base"],
    "dataplane/config": ["base"],
    "dataplane/kernel": ["dataplane/config", "vm", "base"],
    "dataplane/pipeline": ["dataplane/config", "helpers", "jit", "verifier", "vm", "base"],
    "dataplane/io": ["dataplane/pipeline", "dataplane/config", "helpers", "jit", "verifier", "vm", "base"],
    "dataplane/replay": ["dataplane/pipeline", "dataplane/config", "helpers", "jit", "verifier", "vm", "base"],
    "dataplane/control": ["dataplane/pipeline", "dataplane/config", "helpers", "jit", "verifier", "vm", "base"],
    "dataplane/cli": [f"dataplane/{d}" for d in DATAPLANE] + ["helpers", "jit", "verifier", "vm", "base"],
}

# third-party header -> the files or folders that may include it (prefixes)
THIRD_PARTY = [
    (r"(libelf|gelf|elf)\.h", ["vm/elf"]),
    (r"bpf/(btf|libbpf|bpf)\.h", ["vm/btf", "dataplane/kernel/"]),
    (r"linux/bpf\.h", ["dataplane/kernel/"]),
    (r"xbyak/.*", ["jit/"]),
    (r"Zydis/.*", ["dataplane/cli/", "jit/"]),
    (r"llvm.*", ["jit/llvm/"]),
    (r"yaml-cpp/.*", ["dataplane/config/"]),
    (r"pcap(/.*)?\.h|pcap/.*", ["dataplane/replay/"]),
    (r"rte_.*\.h", ["dataplane/io/"]),
    (r"CLI/.*", ["dataplane/cli/main.cc"]),
    (r"nlohmann/.*", ["dataplane/"]),
]


def folder_of(path: str) -> str:
    """The most specific folder of BELOW that holds `path`, or ''."""
    fits = [f for f in BELOW if path.startswith(f + "/")]
    return max(fits, key=len, default="")


def check_file(root: Path, path: Path) -> list[str]:
    """Messages for the forbidden includes of one file."""
    name = path.relative_to(root).as_posix()
    home = folder_of(name)
    messages = []
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        include = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if not include:
            continue
        target = include.group(2)
        if include.group(1) == '"':
            room = folder_of(target)
            if not room:
                messages.append(f"{name}:{number}: \"{target}\" is in no folder of the house")
            elif room != home and room not in BELOW[home]:
                messages.append(f"{name}:{number}: {home} may not include {room} ({target})")
        for pattern, homes in THIRD_PARTY:
            if re.fullmatch(pattern, target) and not any(name.startswith(h) for h in homes):
                messages.append(f"{name}:{number}: <{target}> may be included only in {', '.join(homes)}")
    return messages


def main() -> int:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent)
    messages = []
    for top in sorted({f.split("/")[0] for f in BELOW}):
        for path in sorted((root / top).rglob("*")):
            if path.suffix in (".h", ".cc"):
                if not folder_of(path.relative_to(root).as_posix()):
                    messages.append(f"{path.relative_to(root)}: lies in no folder of the house")
                    continue
                messages += check_file(root, path)
    print("\n".join(messages) if messages else "layers: ok")
    return 1 if messages else 0


if __name__ == "__main__":
    sys.exit(main())
