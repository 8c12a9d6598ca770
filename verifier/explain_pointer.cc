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

std::string name_or(const std::string& name, std::string_view instead) {
  return name.empty() ? std::string(instead) : name;
}

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
  const std::size_t through = story.failure.message.find(" through ");
  if (through != std::string::npos)
    story.failure.message.replace(through, std::string::npos, " through a null pointer");
  story.why(fmt::format("{} has found the pointer to be null on this path", story.at(found->slot)));
  const bool negated = tested.starts_with('!');
  const std::string other = negated ? tested.substr(1) : fmt::format("!{}", tested);
  const bool simple = is_name(negated ? std::string_view(tested).substr(1) : std::string_view(tested));
  if (simple && story.replace(found->slot, fmt::format("({})", tested), fmt::format("({})", other))) return true;
  story.fix("use the pointer on the other way only");
  return true;
}

// `name = data + offset` once more, with a check. Only where the register is known to be that variable: a compiler
// keeps `data` and `data + 14` in one.
void read_again(Story& story, const std::string& name, bool is_register, std::int64_t offset, const std::string& call) {
  const std::string data = fmt::format("(void *)(long){}->data", story.context_name());
  const std::string end = fmt::format("(void *)(long){}->data_end", story.context_name());
  if (is_register && is_name(name)) {
    const Accessed access = story.access();
    std::string code = fmt::format("{} = {}{};", name, data, offset == 0 ? "" : fmt::format(" + {}", offset));
    if (access.pointer == name) code += fmt::format(" if ({} > {}) return XDP_DROP;", access.beyond, end);
    if (story.insert_before(story.failure.insn, code)) return;
  }
  const std::string context_name = story.context_name();
  story.fix(fmt::format("after {}, set {} from {}->data and {}->data_end again, and check again", call,
                        name.empty() ? "the pointer" : fmt::format("`{}`", name), context_name, context_name));
}

// What was in `place`, or where its value lay then, before the call at `moved`.
const Reg* held_before(const Story& story, Place place, std::uint32_t moved) {
  std::uint32_t step = story.path.length();
  while (const Write* const write = story.path.writer(place, step)) {
    if (write->step < moved) break;
    if (write->from.frame < 0) return nullptr;
    place = write->from;
    step = write->step;
  }
  const State& state = story.path.before_move;
  const auto frame = static_cast<std::size_t>(place.frame);
  if (place.frame < 0 || frame >= state.frames.size()) return nullptr;
  if (place.reg >= 0) return &state.frames[frame].regs[static_cast<std::size_t>(place.reg)];
  const auto slot = static_cast<std::size_t>(place.stack);
  return slot < state.frames[frame].stack.size() ? &state.frames[frame].stack[slot].spill : nullptr;
}

// A number or data_end taken for an address: where it came from.
void tell_number_as_address(Story& story) {
  const auto history = story.path.history(failing(story), story.path.length());
  const Reg& reg = story.path.end.reg(static_cast<unsigned>(story.failure.reg));
  if (history.empty() || !story.line(story.failure.insn)) return;
  const std::string name = story.access().pointer;
  story.drop("why");
  const std::string_view what =
      reg.type == Type::kPacketEnd ? "the end of the frame: to be compared with, not to be read" : describe(reg.type);
  story.why(fmt::format("{} is {}; set at {}",
                        is_name(name) ? fmt::format("`{}`", name) : fmt::format("r{}", story.failure.reg), what,
                        story.at_step(history.back())));
}

}  // namespace

void explain_held(Story& story) {
  if (may_be_null(story.path.end.reg(static_cast<unsigned>(story.failure.reg)).type)) explain_null(story);
}

// Memory that a global function is lent.
void explain_null_argument(Story& story) {
  std::string name = story.access().pointer;
  if (!is_name(name)) name = story.variable(failing(story), story.path.length());
  const vm::Subprogram& here = story.context.cfg.subprograms[story.path.end.top().subprogram];
  story.drop("fix");
  story.drop("why");
  story.why(fmt::format("{} is an argument of {}, a global function: it is verified once, for null as well",
                        is_name(name) ? fmt::format("`{}`", name) : fmt::format("r{}", story.failure.reg), here.name));
  const std::string code = fmt::format("if (!{}) return 0;", name_or(name, "pointer"));
  if (is_name(name) && story.insert_before(story.failure.insn, code)) return;
  story.fix(fmt::format("before the access: {}; or make the function static", code));
}

void explain_null(Story& story) {
  const Reg& pointer = story.path.end.reg(static_cast<unsigned>(story.failure.reg));
  if (pointer.type == Type::kMemoryOrNull) return explain_null_argument(story);
  const auto look_up = giver(story, failing(story));
  story.drop("fix");
  story.drop("why");
  const std::string where =
      look_up ? fmt::format("{} at {}", story.callee(story.path.slots[*look_up]), story.at_step(*look_up))
              : std::string("the look-up");
  const std::string_view missing = pointer.type == Type::kRecordOrNull     ? "room"
                                   : is_socket(without_null(pointer.type)) ? "such socket"
                                                                           : "such key";
  story.why(fmt::format("{} gives null when there is no {}", where, missing));
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
  if (story.failure.reg >= 0 && story.path.end.reg(static_cast<unsigned>(story.failure.reg)).was != Type::kPacket)
    return;
  if (story.failure.rule == Rule::kAddressPointer &&
      story.path.end.reg(static_cast<unsigned>(story.failure.reg)).is_null()) {
    explain_null_way(story);
    return;
  }
  const Place place = failing(story);
  const auto history = story.path.history(place, story.path.length());
  if (history.empty()) {
    if (story.failure.rule == Rule::kArgInit) explain_argument(story);
    return;
  }
  // The call that made it void came after the pointer was made, and before it was used (or read back from the stack).
  const std::uint32_t made = history.back();
  const std::uint32_t slot = story.path.slots[made];
  const auto moved = std::ranges::find_if(story.path.moves, [&](std::uint32_t step) { return step > made; });
  if (story.context.row(slot).kind != vm::Kind::kLoad || moved == story.path.moves.end()) {
    if (story.failure.rule == Rule::kAddressPointer) tell_number_as_address(story);
    if (story.failure.rule == Rule::kArgInit) explain_argument(story);
    return;
  }
  std::string name = story.access().pointer;
  if (!is_name(name)) name = story.variable(place, story.path.length());
  const std::string who = story.callee(story.path.slots[*moved]);
  story.drop("why");
  story.drop("fix");
  story.failure.message = fmt::format("{} points into the packet as it was before {}",
                                      name.empty() ? "the pointer" : fmt::format("`{}`", name), who);
  story.why(fmt::format("set at {}; {} at {} made it void, and with it all pointers and checks from before",
                        story.at_step(made), who, story.at_step(*moved)));
  const Reg* const before = held_before(story, place, *moved);
  const bool told = before != nullptr && before->is_packet() && before->value.is_constant();
  const bool is_register = told && name == story.variable(place, story.path.length());
  read_again(story, name, is_register, told ? before->offset : 0, who);
}

}  // namespace sluice::verifier
