"""The BPF selftests of Debian's linux-source-6.1 (tools/testing/selftests/bpf): XDP programs in C, and the verifier's cases,
which are C initialisers. Both are compiled here; nothing of them is kept but in a cache directory."""
import re
import subprocess
from pathlib import Path

import samples

SELFTESTS = "tools/testing/selftests/bpf"
HERE = Path(__file__).resolve().parent


def folder(cache: Path) -> Path:
    return cache / samples.TOP / SELFTESTS


def programs(cache: Path) -> list:
    """Sources with an XDP program in them."""
    return [path for path in sorted(folder(cache).glob("progs/*.c")) if re.search(r'SEC\("\??xdp', path.read_text())]


def compile_program(clang: str, multiarch: str, cache: Path, source: Path) -> tuple:
    """Path of the object, which is null when clang refuses, and clang's first error."""
    out = cache / "selftests" / f"{source.stem}.{clang}.o"
    out.parent.mkdir(exist_ok=True)
    here = folder(cache)
    command = [clang, "-target", "bpf", "-O2", "-g", "-mcpu=v3", "-w", "-Werror=implicit-function-declaration",
               "-fno-stack-protector", "-D__TARGET_ARCH_x86", f"-I{here}", f"-I{here}/progs", "-isystem", str(cache / "headers"),
               "-isystem", "/usr/include", "-isystem", f"/usr/include/{multiarch}", "-c", str(source), "-o", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return out, ""
    return None, next((line for line in done.stderr.splitlines() if "error" in line), f"clang ends with {done.returncode}")


def build_cases(cc: str, cache: Path) -> Path:
    """The program that prints the verifier's cases with the kernel's verdicts (selftest_cases.c)."""
    here = folder(cache)
    generated = cache / "cases"
    (generated / "verifier").mkdir(parents=True, exist_ok=True)
    lines = ["#ifdef FILL_ARRAY"]
    for source in sorted(here.glob("verifier/*.c")):
        lines += [f'{{ .descr = "@{source.name}" }},', f'#include "{source}"']
    (generated / "verifier/tests.h").write_text("\n".join([*lines, "#endif", ""]))
    out = generated / "selftest_cases"
    subprocess.run([cc, "-O0", "-w", f"-I{here}", f"-I{generated}", "-o", str(out), str(HERE / "selftest_cases.c"),
                    str(here / "cap_helpers.c"), "-lbpf"], check=True)
    return out
