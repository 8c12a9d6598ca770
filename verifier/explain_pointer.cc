// Pointers that may be null, and pointers that a call made void.
#include <algorithm>

#include <fmt/format.h>

#include "verifier/access.h"
#include "verifier/explain.h"

namespace sluice::verifier {
namespace {

Place failing(const Story& story) { return story.path.here(story.failure.reg); }

// The step of the call that gave the pointer in `place`, if a call did.
std::optional<std::uint32_t> giver(const Story& story, Place place) {
  const auto history = story.path.history(place, story.path.length());
  if (history.empty()) return std::nullopt;
  const std::uint32_t slot = story.path.slots[history.back()];
  if (story.context.row(slot).kind != vm::Kind::kCallHelper) return std::nullopt;
  return history.back();
}

std::string name_or(std::string name, std::string_view instead) { return name.empty() ? std::string(instead) : name; }

void tell_tests(Story& story, std::uint32_t id) {
  for (auto it = story.path.compares.rbegin(); it != story.path.compares.rend(); ++it) {
    if (it->kind != Compare::Kind::kNull || it->id == id) continue;
    story.why(fmt::format("{} tests what another look-up gave", story.at(it->slot)));
    return;
  }
}

// A number read through that is null: a look-up's result on the way on which it was found to be null.
bool explain_null_way(Story& story) {
  const Compare* found = nullptr;
  for (const Compare& one : story.path.compares) {
    if (one.kind == Compare::Kind::kNull && one.was_null) found = &one;
  }
  if (found == nullptr) return false;
  story.drop("why");
  story.drop("fix");
  std::string keyword;
  const std::string tested = condition(story.text(found->slot), keyword);
  story.why(fmt::format("{} has found the pointer to be null on this path", story.at(found->slot)));
  const bool negated = tested.starts_with('!');
  const std::string other = negated ? tested.substr(1) : fmt::format("!{}", tested);
  const bool simple = is_name(negated ? std::string_view(tested).substr(1) : std::string_view(tested));
  if (simple && story.replace(found->slot, fmt::format("({})", tested), fmt::format("({})", other))) return true;
  story.fix("use the pointer on the other way only");
  return true;
}

// `name = data + OFFSET` once more, with a check.
void read_again(Story& story, const std::string& name, const std::string& call) {
  const Accessed access = story.access();
  const std::string data = fmt::format("(void *)(long){}->data", story.context_name());
  const std::string end = fmt::format("(void *)(long){}->data_end", story.context_name());
  const std::string value = [&] {
    const vm::SourceLine* const made = story.definition(name);
    const std::string text = made == nullptr ? std::string() : assigned_value(made->text);
    const std::size_t plus = text.find('+');
    // `data + sizeof(struct ethhdr)`: the same distance again.
    if (text.starts_with("data ") && plus != std::string::npos) return fmt::format("{} {}", data, text.substr(plus));
    return data;
  }();
  std::string code = fmt::format("{} = {};", name, value);
  if (access.pointer == name) code += fmt::format(" if ({} > {}) return XDP_DROP;", access.beyond, end);
  if (is_name(name) && story.insert_before(story.failure.insn, code)) return;
  story.fix(fmt::format("read ctx->data and ctx->data_end again after {}, and check again", call));
}

}  // namespace

void explain_null(Story& story) {
  const Reg& pointer = story.path.end.reg(static_cast<unsigned>(story.failure.reg));
  const auto look_up = giver(story, failing(story));
  story.drop("fix");
  story.drop("why");
  const std::string where =
      look_up ? fmt::format("{} at {}", story.callee(story.path.slots[*look_up]), story.at_step(*look_up))
              : std::string("the look-up");
  story.why(fmt::format("{} gives null when there is no such key", where));
  tell_tests(story, pointer.id);
  std::string name = story.access().pointer;
  if (!is_name(name)) name = story.variable(failing(story), story.path.length());
  const std::string code = fmt::format("if (!{}) return XDP_PASS;", name_or(name, "pointer"));
  if (!name.empty() && story.insert(name, code)) return;
  story.fix(story.line(story.failure.insn) != nullptr
                ? fmt::format("before the access: {}", code)
                : fmt::format("before insn {}: leave when r{} is 0", story.failure.insn, story.failure.reg));
}

void explain_stale_pointer(Story& story) {
  if (story.failure.rule == Rule::kAddressPointer && story.path.end.reg(static_cast<unsigned>(story.failure.reg)).is_null()) {
    explain_null_way(story);
    return;
  }
  const Place place = failing(story);
  const auto history = story.path.history(place, story.path.length());
  if (history.empty() || story.path.moves.empty()) return;
  // The call that made it void came after the pointer was made, and before it was used (or read back from the stack).
  const std::uint32_t made = history.back();
  const std::uint32_t slot = story.path.slots[made];
  if (story.context.row(slot).kind != vm::Kind::kLoad) return;
  const auto moved =
      std::ranges::find_if(story.path.moves, [&](std::uint32_t step) { return step > made; });
  if (moved == story.path.moves.end()) return;
  std::string name = story.access().pointer;
  if (!is_name(name)) name = story.variable(place, story.path.length());
  const std::string who = story.callee(story.path.slots[*moved]);
  story.drop("why");
  story.drop("fix");
  story.failure.message = fmt::format("{} points into the packet as it was before {}", name_or(name, "the pointer"), who);
  story.why(fmt::format("set at {}; {} at {} made it void, and with it all pointers and checks from before",
                        story.at_step(made), who, story.at_step(*moved)));
  read_again(story, name, who);
}

}  // namespace sluice::verifier
