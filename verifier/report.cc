#include "verifier/report.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/diagnostics.h"
#include "vm/asm.h"

namespace sluice::verifier {
namespace {

constexpr std::size_t kLabelColumn = 9;  // width of the widest label, its colon and a space
constexpr std::size_t kPlaceColumn = 48;

}  // namespace

Rejection make_rejection(Failure failure, const vm::LoadedProgram& program) {
  Rejection rejection{.code = std::string(failure.code),
                      .message = std::move(failure.message),
                      .insn = failure.insn,
                      .reg = failure.reg,
                      .notes = std::move(failure.notes)};
  if (const vm::SourceLine* line = program.line_at(failure.insn)) {
    rejection.file = line->file.substr(line->file.starts_with("./") ? 2 : 0);
    rejection.line = line->line;
    rejection.column = line->column;
    rejection.source_line = line->text;
  }
  const auto has = [&](std::string_view label) {
    return std::ranges::find(rejection.notes, label, &Rejection::Note::label) != rejection.notes.end();
  };
  const auto info = std::ranges::find(all_codes(), failure.code, &CodeInfo::code);
  if (info == all_codes().end()) return rejection;
  if (!has("why")) rejection.notes.push_back({"why", std::string(info->meaning)});
  if (!has("fix")) rejection.notes.push_back({"fix", std::string(info->cure)});
  // What to do comes last, whatever the demand itself had to say, and why before it.
  std::ranges::stable_partition(rejection.notes, [](const auto& note) { return note.label != "fix"; });
  return rejection;
}

std::string render(const Rejection& rejection, const vm::LoadedProgram& program) {
  const bool sourced = !rejection.file.empty();
  std::string where =
      sourced ? fmt::format("{}:{}", printable(rejection.file), rejection.line)
              : fmt::format("{}:insn {}", program.name.empty() ? "program" : printable(program.name), rejection.insn);
  if (sourced && rejection.column != 0) where += fmt::format(":{}", rejection.column);
  std::string out = fmt::format("{}: error[{}]: {}\n", where, rejection.code, printable(rejection.message));

  std::string text;
  if (sourced) {
    std::string line = rejection.source_line;
    std::ranges::replace(line, '\t', ' ');  // as base/diagnostics shows lines
    text = fmt::format("    {} | {}", rejection.line, printable(line));
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
