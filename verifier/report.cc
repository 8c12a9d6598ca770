#include "verifier/report.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/diagnostics.h"
#include "vm/asm.h"

namespace sluice::verifier {
namespace {

constexpr std::size_t kLabelColumn = 9;  // width of the widest label, its colon and a space
constexpr std::size_t kPlaceColumn = 48;

constexpr CodeInfo kCodes[] = {
    {"arg-map-type", "the helper does not work on maps of this type", "use a map type that the helper's description lists"},
    {"arg-size", "the size given to a helper may be negative, zero or without bound",
     "bound it before the call with a compare or &, and use unsigned types"},
    {"arg-type", "a helper's argument is of another kind than the helper expects", "pass what the helper's description asks for"},
    {"atomic-target", "an atomic operation on memory that allows none, or misaligned",
     "use atomics only on the stack and on aligned map values"},
    {"bad-call", "a local call leads to no instruction", "rebuild the object"},
    {"bad-insn", "an instruction that eBPF or XDP does not have", "rebuild with clang -target bpf, -mcpu=v1 to v4"},
    {"bad-jump", "a jump leaves its sub-program or hits no instruction", "rebuild the object"},
    {"bad-map", "the instruction refers to a map, or a place in it, that does not exist", "declare the map in section .maps"},
    {"bad-shift", "a constant shift is negative or at least as wide as the register", "shift by less than 64 (or 32) bits"},
    {"call-depth", "calls nest deeper than 8 frames", "inline sub-programs with __always_inline"},
    {"ctx-access", "struct xdp_md is used in another way than by 4-byte reads of its fields",
     "read ctx->data and its siblings directly; never store into ctx"},
    {"div-by-zero", "a constant divisor is 0", "remove the division"},
    {"falls-off-end", "the program can run past its last instruction", "end every function with return"},
    {"forbidden-helper", "this program type may not call the helper", "attach the program elsewhere or do without"},
    {"frame-pointer", "r10 is written", "r10 is read-only; copy it first"},
    {"infinite-loop", "a loop may run for ever", "count iterations and stop at a constant"},
    {"map-access", "a map that programs may only read is written, or the other way round",
     "drop BPF_F_RDONLY_PROG or BPF_F_WRONLY_PROG, or the access"},
    {"map-bounds", "an access outside a map's value", "compare the index with the size before the access"},
    {"mem-bounds", "an access outside the memory the program was given", "stay below the length in r2"},
    {"not-a-pointer", "a number or an opaque value is used as an address", "keep the pointer; do not compute addresses from numbers"},
    {"null-deref", "a pointer that may be null is used", "test it first: if (!pointer) return XDP_PASS;"},
    {"pkt-bounds", "an access past the packet bytes that were proven", "compare pointer + size with data_end before the access"},
    {"ptr-arithmetic", "arithmetic on a pointer that is not adding or subtracting a bounded number",
     "bound the number first; add to a pointer only"},
    {"ptr-leak", "a pointer would be stored where others can read it", "store numbers; --allow-ptr-leaks permits it"},
    {"ptr-spill", "a pointer is stored or read in parts, or stored at a variable place of the stack",
     "store and read it whole, at a constant offset"},
    {"recursion", "a sub-program calls itself", "use a bounded loop"},
    {"return-value", "the program returns a pointer", "return a verdict, e.g. XDP_PASS"},
    {"stack-align", "a stack access is not aligned to its size", "align the variable"},
    {"stack-bounds", "an access outside the 512 bytes of a frame", "bound the index; use a map for larger buffers"},
    {"stack-depth", "a call chain needs too much stack", "use a per-CPU array map for large variables"},
    {"stack-escape", "a stack pointer would outlive its frame", "do not return or store addresses of local variables"},
    {"too-complex", "the verifier gave up at its limit", "bound loops more tightly, or split into global functions"},
    {"uninit-read", "a register is used that nobody wrote on this path", "give the variable a value on every path"},
    {"unknown-function", "a kernel function is called", "use a helper"},
    {"unknown-helper", "the helper does not exist here", "see docs/helpers.md for those that do"},
    {"unreachable-code", "no path leads to an instruction", "rebuild with optimisation, or remove the code"},
};
static_assert(std::ranges::is_sorted(kCodes, {}, &CodeInfo::code));

}  // namespace

std::span<const CodeInfo> all_codes() noexcept { return kCodes; }

Rejection make_rejection(Failure failure, const vm::LoadedProgram& program) {
  Rejection rejection{.code = std::string(failure.code),
                      .message = std::move(failure.message),
                      .insn = failure.insn,
                      .reg = failure.reg,
                      .notes = std::move(failure.notes)};
  if (const vm::SourceLine* line = program.line_at(failure.insn)) {
    rejection.file = line->file;
    rejection.line = line->line;
    rejection.column = line->column;
    rejection.source_line = line->text;
  }
  const auto has = [&](std::string_view label) {
    return std::ranges::find(rejection.notes, label, &Rejection::Note::label) != rejection.notes.end();
  };
  const auto info = std::ranges::find(kCodes, failure.code, &CodeInfo::code);
  if (info == std::end(kCodes)) return rejection;
  // `why` comes before `fix`, whatever the demand itself had to say.
  if (!has("why")) {
    const auto fix = std::ranges::find(rejection.notes, "fix", &Rejection::Note::label);
    rejection.notes.insert(fix, {"why", std::string(info->meaning)});
  }
  if (!has("fix")) rejection.notes.push_back({"fix", std::string(info->cure)});
  return rejection;
}

std::string render(const Rejection& rejection, const vm::LoadedProgram& program) {
  const bool sourced = !rejection.file.empty();
  std::string where = sourced ? fmt::format("{}:{}", printable(rejection.file), rejection.line)
                              : fmt::format("{}:insn {}", program.name.empty() ? "program" : printable(program.name), rejection.insn);
  if (sourced && rejection.column != 0) where += fmt::format(":{}", rejection.column);
  std::string out = fmt::format("{}: error[{}]: {}\n", where, rejection.code, printable(rejection.message));

  std::string text;
  if (sourced) {
    text = fmt::format("    {} | {}", rejection.line, printable(rejection.source_line));
  } else if (rejection.insn < program.insns.size()) {
    text = fmt::format("    {} | {}", rejection.insn, vm::disassemble(program.insns, rejection.insn));
  }
  if (!text.empty()) {
    const std::size_t width = std::max(kPlaceColumn, text.size() + 2);
    out += fmt::format("{:<{}}insn {}", text, width, rejection.insn);
    if (rejection.reg >= 0) out += fmt::format(", r{}", rejection.reg);
    out += '\n';
  }
  for (const Rejection::Note& note : rejection.notes) {
    out += fmt::format(" {:<{}}{}\n", note.label + ":", kLabelColumn, printable(note.text));
  }
  return out;
}

}  // namespace sluice::verifier
