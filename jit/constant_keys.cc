#include "jit/constant_keys.h"

#include <array>
#include <optional>

#include "vm/maps/map.h"

namespace sluice::jit {
namespace {

constexpr unsigned kWord = 4;  // bytes
constexpr std::int64_t kStackBytes = vm::kStackBytes;
constexpr std::int64_t kWords = kStackBytes / kWord;

// What is known at one place: of registers, numbers and addresses of the stack; of the stack, aligned words.
class Known {
 public:
  Known() { forget(); }
  void forget() {
    registers_.fill({});
    registers_[vm::kFrameRegister] = {.kind = Value::Kind::kStack};
    forget_stack();
  }
  void step(const Op& op, const vm::Insn& insn, bool on_stack);
  // What r2 points to: its distance from r10, below 0; 0 = not known.
  [[nodiscard]] std::int32_t key_at() const {
    const Value& address = registers_[2];
    const bool on_stack = address.kind == Value::Kind::kStack && address.bits < 0 && address.bits >= -kStackBytes;
    return on_stack ? static_cast<std::int32_t>(address.bits) : 0;
  }
  // The word there.
  [[nodiscard]] std::optional<std::uint32_t> key() const {
    const std::int32_t at = key_at();
    if (at == 0 || at % std::int32_t{kWord} != 0) return std::nullopt;
    return words_[static_cast<std::size_t>(kWords + at / std::int32_t{kWord})];
  }

 private:
  struct Value {
    enum class Kind : std::uint8_t { kUnknown, kNumber, kStack } kind = Kind::kUnknown;
    std::int64_t bits = 0;  // the number, or the distance from r10
  };

  void forget_stack() { words_.fill(std::nullopt); }
  void step_alu(const vm::InsnRow& row, const vm::Insn& insn);
  void store(const vm::InsnRow& row, const vm::Insn& insn, const Value& value, bool on_stack);

  std::array<Value, vm::kRegisters> registers_;
  std::array<std::optional<std::uint32_t>, kWords> words_;  // from r10 - 512 on
};

void Known::step_alu(const vm::InsnRow& row, const vm::Insn& insn) {
  const Value operand =
      row.source == vm::Source::kReg ? registers_[insn.src] : Value{Value::Kind::kNumber, std::int64_t{insn.imm}};
  Value& result = registers_[insn.dst];
  const bool is_number = operand.kind == Value::Kind::kNumber;
  if (row.alu() == vm::AluOp::kMov && (row.wide || is_number)) {
    result = operand;
    if (!row.wide) result.bits = static_cast<std::uint32_t>(result.bits);
  } else if (row.alu() == vm::AluOp::kAdd && row.wide && is_number && result.kind == Value::Kind::kStack &&
             operand.bits >= -kStackBytes && operand.bits <= kStackBytes && result.bits >= -kStackBytes &&
             result.bits <= 0) {
    result.bits += operand.bits;
  } else {
    result = {};
  }
}

void Known::store(const vm::InsnRow& row, const vm::Insn& insn, const Value& value, bool on_stack) {
  const Value& base = registers_[insn.dst];
  const std::int64_t low = base.bits + insn.offset;
  if (base.kind != Value::Kind::kStack || low < -kStackBytes || low + row.size > 0) {
    if (on_stack) forget_stack();
    return;
  }
  const std::int64_t first = kWords + (low - (kWord - 1)) / kWord;
  const auto last = static_cast<std::size_t>(kWords + (low + row.size - kWord) / kWord);
  static_assert(-5 / 4 == -1, "of negative numbers the quotient is rounded up");
  for (auto word = static_cast<std::size_t>(first); word <= last; ++word) words_[word].reset();
  if (row.size < kWord || low % kWord != 0 || value.kind != Value::Kind::kNumber) return;
  words_[static_cast<std::size_t>(first)] = static_cast<std::uint32_t>(value.bits);
  if (row.size > kWord) words_[last] = static_cast<std::uint32_t>(static_cast<std::uint64_t>(value.bits) >> 32);
}

// `on_stack`: a store through something that is not known may be one to the stack.
void Known::step(const Op& op, const vm::Insn& insn, bool on_stack) {
  switch (op.row->kind) {
    case vm::Kind::kAlu: step_alu(*op.row, insn); return;
    case vm::Kind::kEndian:
    case vm::Kind::kLoad:
    case vm::Kind::kLoadSigned:
    case vm::Kind::kLoadImm64: registers_[insn.dst] = {}; return;
    case vm::Kind::kStore: store(*op.row, insn, registers_[insn.src], on_stack); return;
    case vm::Kind::kStoreImm: store(*op.row, insn, {Value::Kind::kNumber, std::int64_t{insn.imm}}, on_stack); return;
    case vm::Kind::kBranch: return;
    default: forget();  // calls, which may write to the stack, jumps, atomic operations
  }
}

bool has_word_key(const Op& op) {
  if (op.helper == nullptr || op.helper->id != kMapLookupElem || op.map == nullptr) return false;
  const vm::MapType type = op.map->spec().type;
  return type == vm::MapType::kArray || type == vm::MapType::kPercpuArray || type == vm::MapType::kLpmTrie;
}

}  // namespace

void find_constant_keys(const vm::Facts& facts, Lowered& lowered) {
  for (const Function& f : lowered.functions) {
    Known known;
    for (std::uint32_t slot = f.start; slot < f.end; ++slot) {
      Op& op = lowered.ops[slot];
      if (op.row == nullptr) continue;
      if (op.leader) known.forget();
      if (op.helper != nullptr && op.helper->id == kMapLookupElem) op.key_at = known.key_at();
      if (op.key < 0 && has_word_key(op)) op.key = known.key() ? std::int64_t{*known.key()} : -1;
      const bool told = slot < facts.insns.size() && facts.insns[slot].region != vm::Region::kUnknown;
      known.step(op, lowered.program->insns[slot], !told || facts.insns[slot].region == vm::Region::kStack);
    }
  }
}

}  // namespace sluice::jit
