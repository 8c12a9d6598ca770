#!/usr/bin/env bash
# Everything that must hold before a commit and needs no test run: format, layers, headers alone, captures, clang-tidy.
#     tools/lint.sh [--fast]      --fast leaves clang-tidy out
set -uo pipefail
cd "$(dirname "$0")/.."
status=0
fail() { echo "lint: $*" >&2; status=1; }
mapfile -t sources < <(git ls-files '*.cc' '*.h' | grep -v '^programs/')
mapfile -t units < <(git ls-files '*.cc' | grep -E '^(base|vm|verifier|jit|helpers|dataplane)/')

clang-format-19 --dry-run --Werror "${sources[@]}" || fail "format: run ./run format"
tools/check_layers.py || fail "layers"
python3 pcaps/generate.py --check || fail "captures"
printf '%s\n' "${sources[@]}" | grep -E '^(base|vm|verifier|jit|helpers|dataplane)/.*\.h$' |
  xargs -P 2 -I{} sh -c 'g++ -std=c++20 -fsyntax-only -I. $(pkg-config --cflags libdpdk | sed "s,-I,-isystem ,g") -include {} -x c++ /dev/null || { echo "header does not stand alone: {}"; exit 255; }' ||
  fail "headers"
if [ "${1:-}" != --fast ]; then
  build=build/test
  [ -f $build/compile_commands.json ] || build=build/release
  ninja -C $build build.ninja >/dev/null || fail "$build cannot be configured again"
  # What this build leaves out (a disassembler without its library) cannot be read here.
  mapfile -t units < <(for unit in "${units[@]}"; do grep -qF "/$unit\"" $build/compile_commands.json && echo "$unit"; done)
  # -w: the warnings of the compiler are g++'s business; stderr: how many warnings of system headers it hides.
  printf '%s\n' "${units[@]}" |
    xargs -P 2 -n 4 clang-tidy-19 -p $build --quiet --extra-arg=-w 2>/dev/null || fail "clang-tidy"
fi
[ $status -eq 0 ] && echo "lint: ok"
exit $status
