#include "verifier/story.h"

#include <algorithm>

#include <fmt/format.h>

namespace sluice::verifier {
namespace {

bool same_file(const vm::SourceLine* a, const vm::SourceLine* b) {
  return a != nullptr && b != nullptr && a->file == b->file;
}

}  // namespace

Story::Story(Failure& f, Context& c, const PathTree& t) : failure(f), context(c), tree(t), path(follow(c, t, t.last)) {
  for (Rejection::Note& note : failure.notes) {
    if (note.label == "fix") note.text = leaving(std::move(note.text));
  }
}

std::string Story::leaving(std::string text) const {
  if (path.end.frames.empty() || !path.end.top().is_callback) return text;
  for (const std::string_view verdict : {"return XDP_PASS;", "return XDP_DROP;"}) {
    if (const std::size_t at = text.find(verdict); at != std::string::npos)
      text.replace(at, verdict.size(), path.end.frames.size() == 1 ? "return 0;" : "return 1;");
  }
  return text;
}

void Story::drop(std::string_view label) {
  std::erase_if(failure.notes, [&](const Rejection::Note& note) { return note.label == label; });
}

std::string_view Story::text(std::uint32_t slot) const {
  const vm::SourceLine* const found = line(slot);
  return found == nullptr ? std::string_view() : std::string_view(found->text);
}

std::uint32_t Story::column(std::uint32_t slot) const {
  const vm::SourceLine* const found = line(slot);
  return found == nullptr ? 0 : found->column;
}

std::string Story::at(std::uint32_t slot) const {
  const vm::SourceLine* const found = line(slot);
  if (found == nullptr) return fmt::format("insn {}", slot);
  if (same_file(found, line(failure.insn))) return fmt::format("line {}", found->line);
  return fmt::format("{}:{}", found->file.substr(found->file.rfind('/') + 1), found->line);
}

bool Story::insert_before(std::uint32_t slot, const std::string& code) {
  const vm::SourceLine* const found = line(slot);
  if (found == nullptr || !begins_statement(found->text)) return false;
  fix(fmt::format("before line {}: {}", found->line, code));
  return true;
}

bool Story::insert_after(const vm::SourceLine& found, const std::string& code) {
  if (!is_statement(found.text)) return false;
  fix(fmt::format("after line {}: {}", found.line, code));
  return true;
}

bool Story::insert(std::string_view name, const std::string& code) {
  const vm::SourceLine* const made = is_name(name) ? definition(name) : nullptr;
  const vm::SourceLine* const end = field_line("data_end");
  // Everything that CODE speaks of must have been declared.
  const bool late = made != nullptr && end != nullptr && end->line > made->line && code.find("data_end") != code.npos;
  if (made != nullptr && !late && insert_after(*made, code)) return true;
  return insert_before(failure.insn, code);
}

bool Story::replace(std::uint32_t slot, std::string_view old_text, std::string_view new_text) {
  const vm::SourceLine* const found = line(slot);
  if (found == nullptr || old_text.empty() || found->text.find(old_text) == std::string::npos) return false;
  fix(fmt::format("line {}: write `{}` instead of `{}`", found->line, new_text, old_text));
  return true;
}

const vm::SourceLine* Story::definition(std::string_view name) const {
  const vm::SourceLine* const here = line(failure.insn);
  if (here == nullptr) return nullptr;
  const vm::SourceLine* last = nullptr;
  for (const vm::SourceLine& one : context.program.lines) {
    const bool earlier = same_file(&one, here) && one.line < here->line && (last == nullptr || one.line > last->line);
    if (earlier && assigned(one.text) == name) last = &one;
  }
  // In a loop the value may come from further down.
  if (failure.reg >= 0) {
    for (const std::uint32_t step : path.history(path.here(failure.reg), path.length())) {
      const vm::SourceLine* const one = line(path.slots[step]);
      if (same_file(one, here) && one->line > here->line && assigned(one->text) == name) return one;
    }
  }
  return last;
}

const vm::SourceLine* Story::field_line(std::string_view member) const {
  const vm::SourceLine* const here = line(failure.insn);
  const std::string wanted = fmt::format("->{}", member);
  const vm::SourceLine* last = nullptr;
  for (const vm::SourceLine& one : context.program.lines) {
    if (!same_file(&one, here) || one.line >= here->line || assigned(one.text).empty()) continue;
    const std::string value = assigned_value(one.text);
    if (value.ends_with(wanted) && (last == nullptr || one.line > last->line)) last = &one;
  }
  return last;
}

std::string Story::field(std::string_view member) const {
  const vm::SourceLine* const found = field_line(member);
  if (found != nullptr) return assigned(found->text);
  return fmt::format("(void *)(long){}->{}", context_name(), member);
}

std::string Story::context_name() const {
  for (const vm::SourceLine& one : context.program.lines) {
    const std::size_t arrow = one.text.find("->data");
    if (arrow == std::string::npos) continue;
    std::string name = last_name(std::string_view(one.text).substr(0, arrow));
    if (!name.empty()) return name;
    std::size_t begin = arrow;
    while (begin > 0 && is_name(std::string_view(one.text).substr(begin - 1, arrow - begin + 1))) --begin;
    if (begin < arrow) return one.text.substr(begin, arrow - begin);
  }
  return "ctx";
}

std::string Story::variable(Place place, std::uint32_t step) const {
  const vm::SourceLine* const here = line(failure.insn);
  for (const std::uint32_t written : path.history(place, step)) {
    const vm::SourceLine* const there = line(path.slots[written]);
    if (there != nullptr && here != nullptr && there->line == here->line) continue;  // names what comes of it
    std::string name = assigned(text(path.slots[written]));
    if (!name.empty()) return name;
  }
  return {};
}

std::optional<Added> Story::added(std::uint32_t slot) const {
  const auto step = path.last_step_at(slot);
  if (!step || context.row(slot).source != vm::Source::kReg) return std::nullopt;
  const vm::Insn& insn = context.insn(slot);
  // Which of the two was the pointer, the path tells: the result's history goes on in it.
  const auto write = std::ranges::find(path.writes, *step, &Write::step);
  if (write == path.writes.end()) return std::nullopt;
  const bool from_dst = write->from == write->to;
  return Added{{write->to.frame, static_cast<std::int16_t>(from_dst ? insn.src : insn.dst), -1}, *step};
}

std::string Story::callee(std::uint32_t slot) const {
  if (context.row(slot).kind == vm::Kind::kCallHelper) {
    const vm::HelperDesc* const helper = context.helpers.find(context.insn(slot).imm);
    return helper == nullptr ? "the helper" : fmt::format("bpf_{}", helper->name);
  }
  const std::vector<std::string> parts = call(text(slot), column(slot));
  if (!parts.empty()) return fmt::format("{}()", parts[0]);
  const std::string& name = context.cfg.subprograms[context.cfg.callee(context.program, slot)].name;
  return name.empty() ? "the sub-program" : fmt::format("{}()", name);
}

}  // namespace sluice::verifier
