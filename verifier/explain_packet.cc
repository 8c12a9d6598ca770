// Accesses to the packet: which compares were made, and why none covers this pointer.
#include <algorithm>

#include <fmt/format.h>

#include "verifier/access.h"
#include "verifier/explain.h"

namespace sluice::verifier {
namespace {

const Reg& failing_pointer(const Story& story) { return story.path.end.reg(static_cast<unsigned>(story.failure.reg)); }

// The first address behind the bytes that are accessed, in C.
struct Reached {
  std::string pointer, beyond;
};

Reached reached(const Story& story) {
  const Accessed access = story.access();
  if (!access.beyond.empty()) return {access.pointer, access.beyond};
  const std::vector<std::string> parts = story.call_here();
  if (parts.size() < 3) return {};
  const bool reads = story.context.row(story.failure.insn).kind == vm::Kind::kLoad;
  const bool copies = parts[0].find("memcpy") != std::string::npos || parts[0].find("memmove") != std::string::npos;
  std::size_t number = 0;
  std::string size = parts.back();
  if (copies && parts.size() == 4) {
    number = reads ? 2 : 1;
  } else if (parts[0].find("memset") != std::string::npos) {
    number = 1;
  } else if (story.context.row(story.failure.insn).kind == vm::Kind::kCallHelper) {
    number = static_cast<std::size_t>(story.failure.reg);
    if (number + 1 >= parts.size()) return {};
    size = parts[number + 1];
  } else {
    return {};
  }
  const std::string& argument = parts[number];
  const std::string bare = is_name(argument) ? argument : fmt::format("({})", argument);
  return {last_name(argument), fmt::format("(void *){} + {}", bare, size)};
}

// Bytes were proven, but through another pointer: which.
void tell_other(Story& story, const Compare& other) {
  std::string mine = story.access().pointer;
  mine = mine.empty() ? "this pointer" : fmt::format("`{}`", mine);
  std::string name = story.variable(other.what, other.step);
  name = name.empty() || mine == fmt::format("`{}`", name) ? "another pointer" : fmt::format("`{}`", name);
  story.drop("proven");
  const auto why = std::ranges::find(story.failure.notes, "why", &Rejection::Note::label);
  story.failure.notes.insert(
      why, {"proven", fmt::format("{} bytes from {} (check at {}); nothing from {}", other.proven,
                                  other.variable ? name : "data", place(story.context.program, other.slot), mine)});
  if (other.variable) {
    story.why(fmt::format("{} is what the check at {} is of; it has a v of its own", name, story.at(other.slot)));
  }
}

void tell_compares(Story& story, const Reg& pointer, std::string_view end) {
  const Compare* same = nullptr;
  const Compare* other = nullptr;
  for (const Compare& one : story.path.compares) {
    if (one.kind != Compare::Kind::kEnd || one.type != pointer.type) continue;
    (one.id == pointer.id ? same : other) = &one;
  }
  const Compare* const last = same != nullptr ? same : other;
  const auto move =
      std::ranges::find_if(story.path.moves, [&](std::uint32_t step) { return last != nullptr && step > last->step; });
  if (move != story.path.moves.end()) {
    story.why(fmt::format("{} at {} made the check at {} void", story.callee(story.path.slots[*move]),
                          story.at_step(*move), story.at(last->slot)));
    return;
  }
  if (same != nullptr && same->proven == 0 && same->end == Type::kScalar) {
    const Path::Origin set = story.path.origin(same->with, same->step);
    const auto moved = std::ranges::find_if(story.path.moves, [&](std::uint32_t step) { return step > set.step; });
    const std::string name = story.variable(same->with, same->step);
    const std::string shown = name.empty() ? "what it is compared with" : fmt::format("`{}`", name);
    if (set.place.frame >= 0 && moved != story.path.moves.end() && *moved < same->step) {
      story.why(fmt::format("at {} it is compared with {}, set at {}; {} at {} made that void", story.at(same->slot),
                            shown, story.at_step(set.step), story.callee(story.path.slots[*moved]),
                            story.at_step(*moved)));
    } else {
      story.why(fmt::format("at {} it is compared with a number, which proves nothing", story.at(same->slot)));
    }
    return;
  }
  if (same != nullptr && same->proven == 0) {
    if (pointer.type == Type::kPacketMeta && same->end == Type::kPacketEnd) {
      story.why(
          fmt::format("the compare at {} is with data_end; metadata ends where data begins", story.at(same->slot)));
    } else if (!same->in_order) {
      story.why(
          fmt::format("the compare at {} is by == or !=, which says nothing of shorter frames", story.at(same->slot)));
    } else if (same->too_far) {
      story.why(fmt::format("the compare at {} proves nothing: v may lead more than {} bytes away",
                            story.at(same->slot), kMaxPacketOffset));
    } else {
      story.why(fmt::format("on this path the compare at {} has found the bytes missing: it is the wrong way round",
                            story.at(same->slot)));
    }
    return;
  }
  if (!pointer.value.is_constant()) {
    story.why(fmt::format("adding v at {} made a new pointer; an earlier check does not carry over",
                          story.at(pointer.made_at)));
    if (other != nullptr && other->proven > 0) tell_other(story, *other);
    return;
  }
  if (!story.path.distances.empty()) {
    story.why(fmt::format("{} subtracts pointers; the number it gives proves nothing about them",
                          story.at_step(story.path.distances.back())));
    return;
  }
  story.why(fmt::format("no compare with {} on this path", end));
}

// A number that may lead further than any compare can prove is bounded first.
void bound_number(Story& story, const Reg& pointer) {
  const bool compared = std::ranges::any_of(story.path.compares, [&](const Compare& one) {
    return one.kind == Compare::Kind::kEnd && one.id == pointer.id && one.too_far;
  });
  const auto number = story.added(pointer.made_at);
  const std::string name = number ? story.variable(number->number, number->step) : std::string();
  const std::string code = fmt::format("if ({} > 1500) return XDP_DROP;", name.empty() ? "number" : name);
  const vm::SourceLine* const made = name.empty() ? nullptr : story.definition(name);
  if (made == nullptr || !story.insert_after(*made, code))
    story.fix(fmt::format("bound what is added first: {}", code));
  if (!compared) story.fix("then compare the sum with data_end");
}

// The check is there, but with an end from before the packet moved.
bool set_end_again(Story& story, const Reg& pointer) {
  const Compare* last = nullptr;
  for (const Compare& one : story.path.compares) {
    if (one.kind == Compare::Kind::kEnd && one.type == pointer.type && one.id == pointer.id) last = &one;
  }
  if (last == nullptr || last->end != Type::kScalar) return false;
  const std::string name = story.variable(last->with, last->step);
  const std::string_view member = pointer.type == Type::kPacketMeta ? "data" : "data_end";
  const Path::Origin set = story.path.origin(last->with, last->step);
  if (name.empty() || set.place.frame < 0 || last->proven > 0) return false;
  const std::string_view text = story.text(story.path.slots[set.step]);
  if (assigned(text) != name || !assigned_value(text).ends_with(fmt::format("->{}", member))) return false;
  return story.insert_before(last->slot, fmt::format("{} = (void *)(long){}->{};", name, story.context_name(), member));
}

}  // namespace

void explain_packet_bounds(Story& story) {
  const Reg& pointer = failing_pointer(story);
  if (!pointer.is_packet()) return;
  const bool meta = pointer.type == Type::kPacketMeta;
  const std::string_view end = meta ? "data" : "data_end";
  story.drop("fix");
  if (story.failure.rule == Rule::kPacketSign) {
    story.fix(fmt::format("read from {} on; what lies before it is reached by {}", meta ? "data_meta" : "data",
                          meta ? "bpf_xdp_adjust_meta" : "bpf_xdp_adjust_head"));
    return;
  }
  story.drop("why");
  if (pointer.range > 0) {
    story.why(fmt::format("the check at {} covers fewer bytes than this access touches", story.at(pointer.checked_at)));
  } else {
    tell_compares(story, pointer, end);
  }
  const std::uint64_t furthest = pointer.value.umax();
  const bool far =
      furthest > kMaxPacketOffset || static_cast<std::int64_t>(furthest) + pointer.offset + 8 > kMaxPacketOffset;
  if (!pointer.value.is_constant() && far) return bound_number(story, pointer);
  if (set_end_again(story, pointer)) return;
  const Reached behind = reached(story);
  const std::string code = fmt::format("if ({} > {}) return XDP_DROP;",
                                       behind.beyond.empty() ? "pointer + size" : behind.beyond, story.field(end));
  if (!behind.beyond.empty() && story.insert(behind.pointer, code)) return;
  if (story.line(story.failure.insn) != nullptr) {
    story.fix(fmt::format("before the access: {}", code));
  } else {
    const std::int64_t size = story.context.row(story.failure.insn).size;
    story.fix(fmt::format("before insn {}: leave unless r{} + {} <= {}", story.failure.insn, story.failure.reg,
                          story.context.insn(story.failure.insn).offset + size, end));
  }
}

}  // namespace sluice::verifier
