#pragma once
// What a message may tell of a failure: the path that led there and the author's lines along it. Gathers the notes.
// Internal to the verifier; one refusal, one thread.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "verifier/path.h"
#include "verifier/require.h"
#include "verifier/source.h"

namespace sluice::verifier {

// A number that was added to a pointer, and when.
struct Added {
  Place number;
  std::uint32_t step = 0;
};

class Story {
 public:
  Story(Failure& failure, Context& context, const PathTree& tree);

  Failure& failure;
  Context& context;
  const PathTree& tree;
  Path path;

  // --- notes ---
  void drop(std::string_view label);
  void why(std::string text) { failure.notes.push_back({"why", std::move(text)}); }
  // One line that makes the program load: "after line 12: CODE". `fix` alone is advice in words.
  void fix(std::string text) { failure.notes.push_back({"fix", leaving(std::move(text))}); }
  // CODE in front of the line that failed, or behind the line that gives `name` its value where that is possible.
  // False, and nothing done, when neither is.
  bool insert(std::string_view name, const std::string& code);
  bool insert_before(std::uint32_t slot, const std::string& code);
  bool insert_after(const vm::SourceLine& line, const std::string& code);
  // In the line of `slot`: NEW instead of OLD.
  bool replace(std::uint32_t slot, std::string_view old_text, std::string_view new_text);

  // --- places ---
  [[nodiscard]] const vm::SourceLine* line(std::uint32_t slot) const { return context.program.line_at(slot); }
  [[nodiscard]] std::string_view text(std::uint32_t slot) const;
  [[nodiscard]] std::uint32_t column(std::uint32_t slot) const;
  // "line 12" or "insn 7"; with the file's name when it is not the failure's.
  [[nodiscard]] std::string at(std::uint32_t slot) const;
  [[nodiscard]] std::string at_step(std::uint32_t step) const { return at(path.slots[step]); }

  // --- names ---
  // The line that gives the variable `name` its value, before the failure or on the way of the register that failed.
  [[nodiscard]] const vm::SourceLine* definition(std::string_view name) const;
  // What the author calls a field of the context: a variable, or "(void *)(long)ctx->data_end".
  [[nodiscard]] std::string field(std::string_view member) const;
  [[nodiscard]] std::string context_name() const;
  // The variable that held the value of `place` after `step` steps.
  [[nodiscard]] std::string variable(Place place, std::uint32_t step) const;
  [[nodiscard]] Accessed access() const { return accessed(text(failure.insn), column(failure.insn)); }
  [[nodiscard]] std::vector<std::string> call_here() const { return call(text(failure.insn), column(failure.insn)); }
  // The number that the instruction at `slot` added to a pointer when it was walked last.
  [[nodiscard]] std::optional<Added> added(std::uint32_t slot) const;
  // "bpf_xdp_adjust_head" of the call at `slot`.
  [[nodiscard]] std::string callee(std::uint32_t slot) const;

 private:
  [[nodiscard]] const vm::SourceLine* field_line(std::string_view member) const;
  // A function that is called back leaves by 1 where a program leaves by a verdict.
  [[nodiscard]] std::string leaving(std::string text) const;
};

}  // namespace sluice::verifier
