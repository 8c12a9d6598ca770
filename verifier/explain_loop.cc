// Loops that do not end, or not soon enough.
#include <algorithm>
#include <cctype>
#include <cstdlib>

#include <fmt/format.h>

#include "verifier/explain.h"

namespace sluice::verifier {
namespace {

constexpr std::uint32_t kRoundsToOffer = 16;

// The round in which the path came back to where it failed.
std::vector<std::uint32_t> last_round(const Path& path, std::uint32_t head) {
  std::vector<std::uint32_t> round;
  for (std::uint32_t step = path.length(); step-- > 0;) {
    round.push_back(path.slots[step]);
    if (path.slots[step] == head) break;
  }
  std::ranges::reverse(round);
  return round;
}

// The constant that a loop's condition compares with: where it stands in the line.
struct Bound {
  std::size_t at = 0, length = 0;
  std::uint64_t value = 0;
};
Bound find_bound(std::string_view text) {
  const std::size_t less = text.find('<');
  if (text.find("for") == std::string_view::npos || less == std::string_view::npos) return {};
  std::size_t at = less + 1;
  while (at < text.size() && (text[at] == ' ' || text[at] == '=')) ++at;
  std::size_t end = at;
  while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])) != 0) ++end;
  if (end == at || end - at > 9) return {};
  return {at, end - at, std::strtoull(std::string(text.substr(at, end - at)).c_str(), nullptr, 10)};
}

// The greatest number of the form 1, 2 or 5 times a power of ten that is not above `limit`.
std::uint64_t round_down(std::uint64_t limit) {
  std::uint64_t best = 1;
  for (std::uint64_t power = 1; power <= limit; power *= 10) {
    for (const std::uint64_t digit : {1U, 2U, 5U}) {
      if (digit * power <= limit) best = digit * power;
    }
  }
  return best;
}

// `for (int round = 0; ..` instead of the `while` in the line of `slot`.
bool bound_while(Story& story, std::uint32_t slot) {
  std::string keyword;
  const std::string condition_text = condition(story.text(slot), keyword);
  if (keyword != "while") return false;
  const std::string_view text = story.text(slot);
  const std::size_t begin = text.find("while");
  const std::size_t end = text.find(condition_text, begin) + condition_text.size() + 1;
  if (text.find('}') < begin) return false;  // do .. while
  return story.replace(slot, text.substr(begin, end - begin),
                       fmt::format("for (int round = 0; round < {} && ({}); round++)", kRoundsToOffer, condition_text));
}

// Rounds of the loops around the one whose line is `text`, as far as their lines tell.
std::uint64_t rounds_around(const Story& story, std::string_view text) {
  std::uint64_t rounds = 1;
  std::vector<std::uint32_t> counted;
  for (const vm::SourceLine& one : story.context.program.lines) {
    const Bound bound = find_bound(one.text);
    const bool again = std::ranges::find(counted, one.line) != counted.end();
    if (again || bound.value < 2 || one.text == text) continue;
    counted.push_back(one.line);
    rounds *= bound.value;
  }
  return rounds;
}

}  // namespace

void explain_endless_loop(Story& story) {
  story.drop("why");
  story.drop("fix");
  const std::vector<std::uint32_t> round = last_round(story.path, story.failure.insn);
  std::string way;
  std::string last;
  std::size_t lines = 0;
  for (const std::uint32_t slot : round) {
    std::string where = story.at(slot);
    if (where == last || ++lines > 8) continue;
    way += (way.empty() ? "" : ", ") + where;
    last = std::move(where);
  }
  if (!way.empty()) story.why(fmt::format("one round went by {}", way));
  story.why("it changed nothing that decides when the loop ends");
  for (const std::uint32_t slot : round) {
    if (bound_while(story, slot)) return;
  }
  const vm::SourceLine* const here = story.line(story.failure.insn);
  const vm::SourceLine* loop = nullptr;  // the nearest above, where the round does not touch its line
  for (const vm::SourceLine& one : story.context.program.lines) {
    std::string keyword;
    if (here == nullptr || one.file != here->file || one.line >= here->line || condition(one.text, keyword).empty())
      continue;
    if (keyword == "while" && (loop == nullptr || one.line > loop->line)) loop = &one;
  }
  if (loop != nullptr && bound_while(story, loop->insn)) return;
  story.fix("count the rounds and leave the loop at a constant");
}

void explain_too_complex(Story& story, const Rounds* rounds) {
  if (rounds == nullptr) return;
  story.drop("why");
  story.drop("fix");
  const std::uint32_t head = rounds->head;
  story.failure.insn = head;
  story.failure.reg = rounds->reg;
  story.why(fmt::format("the loop at {} was followed for {} rounds of about {} instructions", story.at(head),
                        rounds->count, rounds->instructions));
  if (!rounds->before.empty()) {
    const std::string what = rounds->reg >= 0 ? fmt::format("r{}", rounds->reg)
                                              : fmt::format("the stack at r10-{}", (rounds->stack + 1) * 8);
    story.why(fmt::format("no two rounds are alike: {} was {}, then {}", what, rounds->before, rounds->after));
  }
  for (const std::uint32_t slot : rounds->last_round) {
    const std::string_view text = story.text(slot);
    const Bound bound = find_bound(text);
    const std::uint64_t around = bound.value > rounds->count ? 1 : rounds_around(story, text);
    const std::uint64_t affordable =
        round_down(story.context.options.limits.processed / std::max(rounds->instructions, 1U) * 9 / 10 / around);
    if (bound.value < 2 || affordable >= bound.value) continue;
    std::string shorter(text);
    shorter.replace(bound.at, bound.length, std::to_string(affordable));
    const std::size_t from = text.rfind(';', bound.at) + 1;
    const std::size_t to = bound.at + bound.length;
    const std::string_view old_text = trimmed(text.substr(from, to - from));
    const std::string_view new_text =
        trimmed(std::string_view(shorter).substr(from, to - from + std::to_string(affordable).size() - bound.length));
    if (story.replace(slot, old_text, new_text)) return;
  }
  story.fix("make fewer rounds, or let each do less");
}

}  // namespace sluice::verifier
