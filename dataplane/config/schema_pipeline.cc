// The keys of `pipelines:`.
#include <array>

#include "dataplane/config/rows.h"

namespace sluice::config {
namespace {

using Kind = Shape::Kind;

std::vector<TailCall> read_slots(Builder& b, const Value& value) {
  std::vector<TailCall> out;
  if (value.kind != Value::Kind::kMapping) {
    wrong_kind(b, value, "a mapping from slots to programs");
    return out;
  }
  for (const auto& [slot, program] : value.fields) {
    const auto known = b.key(slot);
    if (!known) continue;
    std::string why;
    const bool numeric = !slot.quoted && known->value[0] >= '0' && known->value[0] <= '9';
    if (numeric && !whole_number(slot, why)) b.error(slot.mark, "config-type", why);
    if (auto name = b.text(program, kAnyText)) out.push_back({*known, std::move(*name)});
  }
  return out;
}

void put_tail_calls(Builder& b, const Value& value, const Row&, void* target) {
  b.named(value, [&](const Text& array, const Value& slots) {
    static_cast<Pipeline*>(target)->tail_calls.emplace_back(array, read_slots(b, slots));
  });
}

constexpr std::array<std::string_view, 5> kVerdicts = {"aborted", "drop", "pass", "tx", "redirect"};  // XDP_*, by value

void put_continue_on(Builder& b, const Value& value, const Row&, void* target) {
  std::uint32_t mask = 0;
  b.list(value, [&](const Value& item) {
    if (const auto verdict = b.choice(item, one_of(kVerdicts))) mask |= 1U << *verdict;
  });
  static_cast<ChainLink*>(target)->continue_on = mask;
}

constexpr Row kLinkRows[] = {
    {"program", kAnyText, put_text<&ChainLink::program>, "Program.", "", true},
    {"continue_on",
     {.kind = Kind::kSpecial,
      .json = R"({"type": "array", "items": {"enum": ["aborted", "drop", "pass", "tx", "redirect"]}})",
      .words = "a list of verdicts: aborted, drop, pass, tx, redirect"},
     put_continue_on,
     "Verdicts after which the next program runs.",
     "the object's `XDP_RUN_CONFIG`, else pass"},
};

void put_chain(Builder& b, const Value& value, const Row&, void* target) {
  std::vector<ChainLink>& chain = static_cast<Pipeline*>(target)->chain;
  b.list(value, [&](const Value& item) {
    ChainLink& link = chain.emplace_back();
    if (item.kind == Value::Kind::kMapping) return b.object(item, kLinkRows, &link);
    if (auto name = b.text(item, kAnyText)) link.program = std::move(*name);
  });
  if (value.kind != Value::Kind::kSequence) return;  // said already
  if (chain.empty()) b.error(value.mark, "config-range", "an empty chain runs nothing; name at least one program");
  if (chain.size() > kMaxChain) {
    b.error(value.mark, "config-range",
            fmt::format("{} programs; a chain has at most {}, as libxdp's dispatcher", chain.size(), kMaxChain));
  }
}

constexpr std::array<std::string_view, 2> kOnAborted = {"drop", "capture"};

}  // namespace

const Row kPipelineRows[5] = {
    {"entry", kAnyText, put_text<&Pipeline::entry>, "Program that every frame enters.", "or `chain`"},
    {"chain",
     {.kind = Kind::kSpecial,
      .json = R"({"type": "array", "minItems": 1, "maxItems": 10, "items": {"anyOf": [
                 {"type": "string", "minLength": 1},
                 {"type": "object", "additionalProperties": false, "required": ["program"], "properties": {
                  "program": {"type": "string", "minLength": 1},
                  "continue_on": {"type": "array",
                                  "items": {"enum": ["aborted", "drop", "pass", "tx", "redirect"]}}}}]}})",
      .words = "a list of programs, each a name or `{program: NAME, continue_on: [pass]}`"},
     put_chain,
     "Programs run one after another, as libxdp's dispatcher does: after a verdict of its `continue_on` the next one "
     "runs, any other is the pipeline's; behind the last one the frame passes.",
     "or `entry`"},
    {"tail_calls",
     {.kind = Kind::kSpecial,
      .json = R"({"type": "object", "additionalProperties":
                 {"type": "object", "additionalProperties": {"type": ["string", "null"], "minLength": 1}}})",
      .words = "a mapping: prog array -> slot -> program"},
     put_tail_calls,
     "Prog arrays and what is in their slots; a slot is a number or an enumerator's name.",
     ""},
    {"on_pass", kAnyText, put_text<&Pipeline::on_pass>,
     "Where XDP_PASS goes: a port or `drop`. Must be given when a program can return it.", ""},
    {"on_aborted", one_of(kOnAborted), put_choice<&Pipeline::on_aborted>,
     "What happens to frames of XDP_ABORTED: dropped, or dropped and kept for inspection.", "drop"},
};

void put_pipelines(Builder& b, const Value& value, const Row& row, void* target) {
  b.named(value, [&](const Text& name, const Value& item) {
    Pipeline& made = static_cast<Config*>(target)->pipelines.emplace_back();
    made.name = name;
    made.mark = name.mark;
    b.object(item, row.shape.rows, &made);
    if (item.kind != Value::Kind::kMapping) return;  // said already
    const bool entry = item.find("entry") != nullptr;
    const Value* const chain = item.find("chain");
    if (!entry && chain == nullptr) {
      b.error(item.mark, "config-missing", "key 'entry' is missing; expected a program, or 'chain' with several");
    }
    if (entry && chain != nullptr) b.error(chain->mark, "config-conflict", "'entry' and 'chain' exclude each other");
    if (!made.chain.empty()) made.entry = made.chain.front().program;
  });
}

}  // namespace sluice::config
