// Numbers that may be too large: indices, offsets and sizes.
#include <algorithm>

#include <fmt/format.h>

#include "verifier/access.h"
#include "verifier/call.h"
#include "verifier/explain.h"
#include "vm/maps/map.h"

namespace sluice::verifier {
namespace {

constexpr std::size_t kComparesToTry = 256;  // each may cost a walk back to the start

bool is_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// "read", "given by bpf_..": by the instruction that made a number.
std::string source_of(const Story& story, std::uint32_t slot) {
  switch (story.context.row(slot).kind) {
    case vm::Kind::kLoad:
    case vm::Kind::kLoadSigned: return "read";
    case vm::Kind::kCallHelper: return fmt::format("given by {}", story.callee(slot));
    default: return "computed";
  }
}

// Where the number in `place` after `step` steps came from, and which compares bounded it. `too` = what it still may
// be.
void tell_number(Story& story, Place place, std::uint32_t step, std::string_view name,
                 std::string_view too = "that large") {
  const Path::Origin made = story.path.origin(place, step);
  const Frame& begin = story.tree.start().top();
  std::string text;
  if (made.place.frame >= 0) {
    const std::uint32_t slot = story.path.slots[made.step];
    text = fmt::format("{} is {} at {}", name, source_of(story, slot), story.at(slot));
  } else if (begin.subprogram != 0) {
    text = fmt::format("{} is an argument of {}", name, story.context.cfg.subprograms[begin.subprogram].name);
  } else {
    return;
  }
  const Compare* last = nullptr;
  std::size_t tries = kComparesToTry;
  for (auto it = story.path.compares.rbegin(); it != story.path.compares.rend() && last == nullptr; ++it) {
    if (it->kind != Compare::Kind::kNumber || it->step >= step || it->step < made.step) continue;
    if (tries-- == 0) break;
    if (story.path.origin(it->what, it->step) == made) last = &*it;
  }
  text += last == nullptr ? "; nothing bounds it on this path"
                          : fmt::format("; the compare at {} lets it be {}", story.at(last->slot), too);
  story.why(std::move(text));
}

// How many elements of an array fit: `room` bytes from its start, `size` accessed, as far apart as the number's low
// bits tell.
std::int64_t elements(const Scalar& number, std::int64_t room, std::int64_t size) {
  const Tnum<std::uint64_t> bits = number.bits();
  const std::uint64_t low = bits.value | bits.mask;
  const std::int64_t stride = low == 0 ? size : static_cast<std::int64_t>(low & (~low + 1));
  return room < size ? 0 : (room - size) / std::max<std::int64_t>(stride, 1) + 1;
}

// An index that may be written twice: no call, no change.
bool harmless(std::string_view text) {
  return !text.empty() && text.find("++") == text.npos && text.find("--") == text.npos && text.find('(') == text.npos &&
         text.find('=') == text.npos;
}

bool array_of_its_own(std::string_view array) {
  return array.find("->") != array.npos || array.find('.') != array.npos;
}

void fix_call(Story& story, std::size_t number, const std::string& instead) {
  std::vector<std::string> parts = story.call_here();
  const auto put_together = [&] {
    std::string text = parts[0] + "(";
    for (std::size_t i = 1; i < parts.size(); ++i) text += (i == 1 ? "" : ", ") + parts[i];
    return text + ")";
  };
  const std::string before = put_together();
  parts[number] = instead;
  if (!story.replace(story.failure.insn, before, put_together())) {
    story.fix(fmt::format("pass {} as argument {}", instead, number));
  }
}

// A helper or a builtin was given too many bytes.
bool fix_size_of_call(Story& story, std::int64_t room, bool on_stack) {
  const std::vector<std::string> parts = story.call_here();
  if (parts.size() < 3) return false;
  const bool builtin = parts[0].find("mem") != std::string::npos && parts[0].starts_with("__builtin");
  const std::size_t at = builtin ? parts.size() - 1 : static_cast<std::size_t>(story.failure.reg) + 1;
  if (at >= parts.size() || at < 2) return false;
  const std::string buffer = last_name(parts[builtin ? 1 : at - 1]);
  const bool array = on_stack && buffer == parts[builtin ? 1 : at - 1];
  const std::string limit = array ? fmt::format("sizeof({})", buffer) : std::to_string(room);
  if (!harmless(parts[at]) && !parts[at].starts_with("sizeof")) return false;
  if (is_digits(parts[at]) || parts[at].starts_with("sizeof")) {
    fix_call(story, at, limit);
    return true;
  }
  return story.insert_before(story.failure.insn, fmt::format("if ({} > {}) return XDP_PASS;", parts[at], limit));
}

// A key or value that the map takes, from a variable that is smaller.
bool fix_variable_of_map(Story& story) {
  const std::vector<std::string> parts = story.call_here();
  const auto number = static_cast<std::size_t>(story.failure.reg);
  if (parts.size() <= number || story.context.row(story.failure.insn).kind != vm::Kind::kCallHelper) return false;
  const Reg& map_reg = story.path.end.reg(1);
  const vm::Map* const map = map_reg.type == Type::kMap ? story.context.map(map_reg.map) : nullptr;
  if (map == nullptr || number < 2 || number > 3) return false;
  const std::uint32_t size = number == 2 ? map->spec().key_size : map->spec().value_size;
  const std::string name = last_name(parts[number]);
  story.why(fmt::format("a {} of map {} has {} bytes, `{}` has fewer", number == 2 ? "key" : "value", map->spec().name,
                        size, name));
  const vm::SourceLine* const made = story.definition(name);
  const std::string_view text = made == nullptr ? std::string_view() : trimmed(made->text);
  const std::string_view type = text.substr(0, text.find(' '));
  const std::string_view wanted = size == 8 ? "__u64" : size == 4 ? "__u32" : size == 2 ? "__u16" : "";
  const bool plain = type.starts_with("__u") || type == "int" || type.starts_with("uint");
  if (plain && !wanted.empty()) {
    story.fix(fmt::format("line {}: write `{}` instead of `{}`", made->line, wanted, type));
  } else {
    story.fix(fmt::format("declare {} with {} bytes, as the map has them", name, size));
  }
  return true;
}

// Maps whose names begin with a dot are an object's global variables.
void speak_of_globals(Story& story, const vm::MapSpec& spec) {
  if (!spec.name.starts_with('.')) return;
  const std::string before = fmt::format("the value of map {}", spec.name);
  if (const std::size_t at = story.failure.message.find(before); at != std::string::npos) {
    story.failure.message.replace(at, before.size(), fmt::format("the global variables in {}", spec.name));
  }
  for (Rejection::Note& note : story.failure.notes) {
    if (note.label == "proven") note.text = fmt::format("{} has {} bytes", spec.name, spec.value_size);
  }
}

struct Bounds {
  std::int64_t room = 0;  // bytes from the constant part of the address to the end
  std::int64_t size = 0;  // bytes accessed
};

Bounds bounds(const Story& story, const Reg& base) {
  const vm::InsnRow& row = story.context.row(story.failure.insn);
  const vm::Insn& insn = story.context.insn(story.failure.insn);
  const bool helper = row.kind == vm::Kind::kCallHelper;
  const bool call = !story.call_here().empty();  // of a builtin too: its pointer is what counts
  const std::int64_t start = base.offset + (helper || call ? 0 : insn.offset);
  const std::int64_t end =
      base.type == Type::kStack ? 0 : static_cast<std::int64_t>(story.context.map(base.map)->spec().value_size);
  return {end - start, helper ? 1 : row.size};
}

// Compare the index before the access.
bool fix_index(Story& story, const Reg& base, const Bounds& size) {
  const Accessed access = story.access();
  if (access.array.empty()) return false;
  const bool stack = base.type == Type::kStack;
  const bool global = !stack && story.context.map(base.map)->spec().name.starts_with('.');
  const bool sized = array_of_its_own(access.array) || ((stack || global) && is_name(access.array));
  if (is_digits(access.index) && access.index.size() < 9) {
    const std::int64_t count =
        elements(Scalar::constant(0), size.room + std::stol(access.index) * size.size, size.size);
    const std::string whole = fmt::format("{}[{}]", access.array, access.index);
    return count > 0 && story.replace(story.failure.insn, whole, fmt::format("{}[{}]", access.array, count - 1));
  }
  if (!harmless(access.index)) return false;
  const std::string limit = sized ? fmt::format("sizeof({0}) / sizeof({0}[0])", access.array)
                                  : std::to_string(elements(base.value, size.room, size.size));
  const std::string below = base.value.smin() < 0 ? fmt::format("{} < 0 || ", access.index) : std::string();
  return story.insert_before(story.failure.insn,
                             fmt::format("if ({}{} >= {}) return XDP_PASS;", below, access.index, limit));
}

}  // namespace

void explain_index(Story& story) {
  const Reg& base = story.path.end.reg(static_cast<unsigned>(story.failure.reg));
  if (base.type != Type::kStack && base.type != Type::kMapValue) return;
  story.drop("why");
  story.drop("fix");
  const Bounds size = bounds(story, base);
  if (!base.value.is_constant()) {
    if (const auto number = story.added(base.made_at)) {
      std::string name = story.access().index;
      name = is_name(name) ? fmt::format("`{}`", name) : "v";
      tell_number(story, number->number, number->step, name);
    }
  }
  const vm::Subprogram& here = story.context.cfg.subprograms[story.path.end.top().subprogram];
  if (here.is_global && story.path.end.top().subprogram != 0) {
    story.why(fmt::format("{} is a global function: it is verified for any argument, whatever its callers check",
                          here.name.empty() ? "this" : here.name));
  }
  const bool stack = base.type == Type::kStack;
  if (!stack) speak_of_globals(story, story.context.map(base.map)->spec());
  if (stack && base.value.is_constant() && size.room >= 0) {
    story.why(fmt::format("{} bytes are left from there to the end of the stack", size.room));
  }
  if (!stack && base.value.is_constant()) {
    story.why(
        fmt::format("{} bytes are left from there to the end of the value", std::max<std::int64_t>(size.room, 0)));
  }
  if (fix_index(story, base, size)) return;
  if (fix_variable_of_map(story)) return;
  if (fix_size_of_call(story, size.room, stack)) return;
  story.fix("compare the index with the size before the access");
}

void explain_added_number(Story& story) {
  const std::uint32_t slot = story.failure.insn;
  const vm::Insn& insn = story.context.insn(slot);
  const int number = story.failure.reg == insn.dst ? insn.src : insn.dst;
  const Reg& pointer = story.path.end.reg(static_cast<unsigned>(story.failure.reg));
  if (story.context.row(slot).source != vm::Source::kReg) return;
  story.drop("why");
  story.drop("fix");
  const Accessed access = story.access();
  const Reg& value = story.path.end.reg(static_cast<unsigned>(number));
  tell_number(story, story.path.here(number), story.path.length(),
              is_name(access.index) ? fmt::format("`{}`", access.index) : "it");
  if (value.value.smin() < 0 && value.value.smax() < kMaxOffset) story.why("it may be negative: its type is signed");
  if (pointer.type == Type::kMapValue && !access.array.empty() && harmless(access.index)) {
    const std::int64_t room =
        static_cast<std::int64_t>(story.context.map(pointer.map)->spec().value_size) - pointer.offset;
    const Tnum<std::uint64_t> bits = value.value.bits();
    const std::uint64_t low = bits.value | bits.mask;
    const std::int64_t stride = low == 0 ? 1 : static_cast<std::int64_t>(low & (~low + 1));
    const std::string below = value.value.smin() < 0 && value.value.smax() < kMaxOffset
                                  ? fmt::format("{} < 0 || ", access.index)
                                  : std::string();
    if (story.insert_before(slot, fmt::format("if ({}{} >= {}) return XDP_PASS;", below, access.index, room / stride)))
      return;
  }
  story.fix("bound the number first, by a compare or &; use unsigned types");
}

void explain_argument_size(Story& story) {
  const auto number = static_cast<std::size_t>(story.failure.reg);
  story.drop("why");
  story.drop("fix");
  const std::vector<std::string> parts = story.call_here();
  const std::string name = number < parts.size() && is_name(parts[number]) ? parts[number] : "the size";
  tell_number(story, story.path.here(story.failure.reg), story.path.length(),
              name == "the size" ? name : fmt::format("`{}`", name),
              story.failure.rule == Rule::kSizeZero ? "0" : "that large");
  const Reg& size = story.path.end.reg(static_cast<unsigned>(number));
  if (story.failure.rule == Rule::kSizeSign) story.why("it may be negative: its type is signed");
  if (story.failure.rule == Rule::kSizeLimit && size.value.umax() == UINT32_MAX && size.value.umin() == 0) {
    story.why("a negative int counts as more than 2147483647 here");
  }
  if (number < parts.size() && harmless(parts[number])) {
    const std::string& buffer = parts[number - 1];
    const bool stack = story.path.end.reg(static_cast<unsigned>(number - 1)).type == Type::kStack && is_name(buffer);
    const std::string most = stack ? fmt::format("sizeof({})", buffer) : std::string("64");
    const bool zero = story.failure.rule == Rule::kSizeZero;
    const std::string code = zero ? fmt::format("if ({} == 0) return XDP_PASS;", name)
                                  : fmt::format("if ({0} < 1 || {0} > {1}) return XDP_PASS;", name, most);
    if (story.insert_before(story.failure.insn, code)) return;
  }
  story.fix("bound the size before the call, by a compare or &; use unsigned types");
}

}  // namespace sluice::verifier
