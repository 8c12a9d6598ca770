#include "tests/conformance/generated.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>

#include "tests/conformance/edge_operands.h"
#include "tests/conformance/model.h"

namespace sluice::testing_support {
namespace {

using vm::AluOp;
using vm::Insn;
using vm::InsnRow;
using vm::Kind;

constexpr std::size_t kMostBlock = 0x7ff8;  // bytes: the farthest that an offset reaches
constexpr unsigned kNumbers = 10;           // r0..r9

bool is_shift(const InsnRow& row) {
  return row.kind == Kind::kAlu && (row.alu() == AluOp::kLsh || row.alu() == AluOp::kRsh || row.alu() == AluOp::kArsh);
}

bool is_division(const InsnRow& row) {
  return row.kind == Kind::kAlu && (row.alu() == AluOp::kDiv || row.alu() == AluOp::kMod || row.alu() == AluOp::kSdiv ||
                                    row.alu() == AluOp::kSmod);
}

bool is_compare_exchange(const InsnRow& row) {
  return row.kind == Kind::kAtomic && row.atomic() == vm::AtomicOp::kCompareExchange;
}

// What the second operand of an instruction without src is.
std::uint64_t extended(std::int32_t imm) { return static_cast<std::uint64_t>(static_cast<std::int64_t>(imm)); }

// --- cases -----------------------------------------------------------------------------------------------------------

// Makes the cases of one row; every pair of registers comes round.
class Cases {
 public:
  explicit Cases(const InsnRow& row) : row_(row) {}

  // dst and, by the row, src are other registers; 7 and 3 go through all of them.
  GeneratedCase& add() {
    const auto dst = static_cast<std::uint8_t>(turn_ * 7 % kNumbers);
    const auto src = static_cast<std::uint8_t>((dst + 1 + turn_ / kNumbers * 4 % (kNumbers - 1)) % kNumbers);
    ++turn_;
    return add(dst, row_.src.mode == vm::FieldRule::Mode::kOperand ? src : 0);
  }

  GeneratedCase& add(std::uint8_t dst, std::uint8_t src) {
    GeneratedCase& c = made_.emplace_back();
    c.row = &row_;
    c.insn.opcode = row_.opcode;
    c.insn.dst = dst;
    c.insn.src = row_.src.mode == vm::FieldRule::Mode::kOperand ? src : static_cast<std::uint8_t>(row_.src.value);
    c.insn.offset = static_cast<std::int16_t>(row_.offset.value);
    c.insn.imm = row_.imm.value;
    return c;
  }

  std::vector<GeneratedCase> take() && { return std::move(made_); }

 private:
  const InsnRow& row_;
  unsigned turn_ = 0;
  std::vector<GeneratedCase> made_;
};

void with_registers(const InsnRow& row, Cases& cases) {
  std::vector<std::uint64_t> seconds(std::begin(kEdges64), std::end(kEdges64));
  if (is_shift(row)) seconds.insert(seconds.end(), std::begin(kShiftCounts), std::end(kShiftCounts));
  for (const std::uint64_t dst : kEdges64) {
    std::vector<std::uint64_t> all = seconds;
    if (row.kind == Kind::kBranch) all.insert(all.end(), {dst - 1, dst + 1, ~dst, dst ^ (std::uint64_t{1} << 32)});
    for (const std::uint64_t src : all) {
      GeneratedCase& c = cases.add();
      c.dst = dst;
      c.src = src;
    }
  }
  // A register and itself.
  for (std::uint8_t reg = 0; reg < kNumbers; ++reg) {
    for (const std::uint64_t value : kEdges64) {
      GeneratedCase& c = cases.add(reg, reg);
      c.dst = c.src = value;
    }
  }
}

void with_immediates(const InsnRow& row, Cases& cases) {
  const std::span<const std::int32_t> immediates =
      is_shift(row) ? std::span<const std::int32_t>(kImmediateCounts) : std::span<const std::int32_t>(kEdgeImmediates);
  for (const std::int32_t imm : immediates) {
    std::vector<std::uint64_t> firsts(std::begin(kEdges64), std::end(kEdges64));
    const std::uint64_t same = extended(imm);
    firsts.insert(firsts.end(), {same, same - 1, same + 1, same ^ (std::uint64_t{1} << 32)});
    for (const std::uint64_t dst : firsts) {
      GeneratedCase& c = cases.add();
      c.dst = dst;
      c.insn.imm = imm;
      const bool out_of_range = imm < 0 || imm >= (row.wide ? 64 : 32);
      c.refused = (is_division(row) && imm == 0) || (is_shift(row) && out_of_range);
    }
  }
}

void with_one_operand(Cases& cases) {
  for (const std::uint64_t dst : kEdges64) {
    for (unsigned reg = 0; reg < kNumbers; ++reg) cases.add(static_cast<std::uint8_t>(reg), 0).dst = dst;
  }
}

void with_loads(const InsnRow& row, Cases& cases) {
  for (const std::int16_t offset : kEdgeOffsets) {
    for (std::uint32_t at = 0; at + row.size <= 16; at += row.size == 8 ? 1 : 3) {
      for (const std::uint64_t low : kLoadPatterns) {
        GeneratedCase& c = cases.add();
        c.insn.offset = offset;
        c.at = at;
        c.window[0] = low;
        c.window[1] = ~low;
      }
    }
  }
  for (std::uint8_t reg = 0; reg < kNumbers; ++reg) {  // into the register of the address
    for (const std::uint64_t value : kEdges64) {
      GeneratedCase& c = cases.add(reg, reg);
      c.window[0] = value;
    }
  }
}

void with_stores(const InsnRow& row, Cases& cases) {
  const bool immediate = row.kind == Kind::kStoreImm;
  const std::size_t values = immediate ? std::size(kEdgeImmediates) : std::size(kEdges64);
  for (std::size_t value = 0; value < values; ++value) {
    for (const std::int16_t offset : kEdgeOffsets) {
      GeneratedCase& c = cases.add();
      c.insn.offset = offset;
      c.at = static_cast<std::uint32_t>((value + static_cast<std::size_t>(offset & 7)) % (17U - row.size));
      c.window[0] = 0xa5a5'5a5a'a5a5'5a5a;
      c.window[1] = 0x3c3c'c3c3'3c3c'c3c3;
      if (immediate) {
        c.insn.imm = kEdgeImmediates[value];
      } else {
        c.src = kEdges64[value];
      }
    }
  }
}

void with_atomics(const InsnRow& row, Cases& cases) {
  std::size_t turn = 0;
  for (const std::uint64_t old : kEdges64) {
    for (const std::uint64_t src : kEdges64) {
      GeneratedCase& c = cases.add();
      // Linux takes no atomic access that is not aligned; the address's register must not be the one compared with.
      c.insn.offset = kEdgeOffsets[turn % std::size(kEdgeOffsets)];
      c.at = row.size == 4 ? static_cast<std::uint32_t>(turn % 3) * 4 : static_cast<std::uint32_t>(turn % 2) * 8;
      c.window[0] = c.window[1] = old;
      if (c.at == 4) c.window[0] = old << 32 | (~old & 0xffff'ffff);
      c.src = src;
      if (is_compare_exchange(row)) {
        if (c.insn.dst == 0) c.insn.dst = static_cast<std::uint8_t>(c.insn.src == 9 ? 8 : 9);
        // Equal, equal in the low half alone, and another.
        const std::uint64_t compared[] = {old, old ^ (std::uint64_t{1} << 40), old + 1};
        c.r0 = compared[turn % std::size(compared)];
        if (c.insn.src == 0) c.src = c.r0;
      }
      ++turn;
    }
  }
}

void with_numbers(Cases& cases) {
  for (const std::uint64_t value : kEdges64) {
    for (std::uint8_t reg = 0; reg < kNumbers; ++reg) {
      GeneratedCase& c = cases.add(reg, 0);
      c.insn.imm = static_cast<std::int32_t>(static_cast<std::uint32_t>(value));
      c.upper = static_cast<std::int32_t>(static_cast<std::uint32_t>(value >> 32));
    }
  }
}

// --- programs --------------------------------------------------------------------------------------------------------

constexpr std::uint8_t kLddw = 0x18, kLoad64 = 0x79, kStore64 = 0x7b, kStoreImm64 = 0x7a;
constexpr std::uint8_t kAddImm64 = 0x07, kAddReg64 = 0x0f, kMulImm64 = 0x27, kMovImm64 = 0xb7;
constexpr std::uint8_t kJumpLess = 0xa5, kExit = 0x95;
constexpr std::int16_t kBlockSlot = -8;  // in the frame: the address of the block
constexpr std::int32_t kPass = 2;        // XDP_PASS
constexpr std::int32_t kHashFactor = 0x01000193;

Insn insn(std::uint8_t opcode, unsigned dst, unsigned src, std::int64_t offset, std::int32_t imm = 0) {
  Insn made;
  made.opcode = opcode;
  made.dst = static_cast<std::uint8_t>(dst & 15U);
  made.src = static_cast<std::uint8_t>(src & 15U);
  made.offset = static_cast<std::int16_t>(offset);
  made.imm = imm;
  return made;
}

// Writes cases into a batch, one after the other.
class Writer {
 public:
  [[nodiscard]] bool fits() const { return batch_.before.size() + 64 <= kMostBlock; }

  void write(const GeneratedCase& c) {
    batch_.places.push_back({batch_.before.size(), c});
    base_ = 0;
    while (base_ == c.insn.dst || base_ == c.insn.src || (base_ == 0 && is_compare_exchange(*c.row))) ++base_;
    load_base();
    switch (c.row->kind) {
      case Kind::kAlu:
      case Kind::kEndian: computes(c); return;
      case Kind::kBranch: branches(c); return;
      case Kind::kLoad:
      case Kind::kLoadSigned: loads(c); return;
      case Kind::kStore:
      case Kind::kStoreImm: stores(c); return;
      case Kind::kAtomic: exchanges(c); return;
      case Kind::kLoadImm64: numbers(c); return;
      case Kind::kGoto:
      case Kind::kCallHelper:
      case Kind::kCallLocal:
      case Kind::kCallKernel:
      case Kind::kExit:
      case Kind::kLegacyLoad: return;
    }
  }

  Batch take() && { return std::move(batch_); }

 private:
  // A word of the block; its offset.
  std::size_t word(std::uint64_t before, std::uint64_t after) {
    const std::size_t offset = batch_.before.size();
    for (const auto& [block, value] : {std::pair{&batch_.before, before}, std::pair{&batch_.after, after}}) {
      block->resize(offset + sizeof value);
      std::memcpy(block->data() + offset, &value, sizeof value);
    }
    return offset;
  }

  void emit(const Insn& one) { batch_.body.push_back(one); }
  void load_base() { emit(insn(kLoad64, base_, vm::kFrameRegister, kBlockSlot)); }
  void operand(unsigned reg, std::uint64_t value) {
    emit(insn(kLoad64, reg, base_, static_cast<std::int64_t>(word(value, value))));
  }
  // What a register must hold now.
  void result(unsigned reg, std::uint64_t expected) {
    emit(insn(kStore64, base_, reg, static_cast<std::int64_t>(word(kUntouched, expected))));
  }

  void computes(const GeneratedCase& c) {
    const bool by_register = c.row->source == vm::Source::kReg && c.row->kind == Kind::kAlu;
    operand(c.insn.dst, c.dst);
    if (by_register && c.insn.src != c.insn.dst) operand(c.insn.src, c.src);
    emit(c.insn);
    const std::uint64_t second = by_register ? c.src : extended(c.insn.imm);
    result(c.insn.dst, c.row->kind == Kind::kAlu ? model::alu(*c.row, c.dst, second) : model::endian(*c.row, c.dst));
    if (by_register && c.insn.src != c.insn.dst) result(c.insn.src, c.src);
  }

  void branches(const GeneratedCase& c) {
    const bool by_register = c.row->source == vm::Source::kReg;
    operand(c.insn.dst, c.dst);
    if (by_register && c.insn.src != c.insn.dst) operand(c.insn.src, c.src);
    const bool jumps = model::jumps(*c.row, c.dst, by_register ? c.src : extended(c.insn.imm));
    const std::size_t told = word(kUntouched, jumps ? kJumped : kWentOn);
    emit(insn(kStoreImm64, base_, 0, static_cast<std::int64_t>(told), kJumped));
    Insn branch = c.insn;
    branch.offset = 1;
    emit(branch);
    emit(insn(kStoreImm64, base_, 0, static_cast<std::int64_t>(told), kWentOn));
    result(c.insn.dst, c.dst);
    // Both ways know the same again: a verifier that compares states exactly does not walk each way to the end.
    emit(insn(kMovImm64, c.insn.dst, 0, 0, 0));
    if (by_register) emit(insn(kMovImm64, c.insn.src, 0, 0, 0));
  }

  // The window, and in `reg` the address from which the case's offset leads to its place.
  std::size_t window(const GeneratedCase& c, unsigned reg, std::span<const std::uint64_t, 2> after) {
    const std::size_t start = word(c.window[0], after[0]);
    word(c.window[1], after[1]);
    emit(insn(kLoad64, reg, vm::kFrameRegister, kBlockSlot));
    emit(insn(kAddImm64, reg, 0, 0, static_cast<std::int32_t>(start + c.at) - c.insn.offset));
    return start;
  }

  void loads(const GeneratedCase& c) {
    const auto bytes = std::as_bytes(std::span(c.window));
    window(c, c.insn.src, c.window);
    emit(c.insn);
    result(c.insn.dst, model::load(*c.row, bytes.subspan(c.at)));
  }

  void stores(const GeneratedCase& c) {
    std::array<std::uint64_t, 2> after{c.window[0], c.window[1]};
    const bool immediate = c.row->kind == Kind::kStoreImm;
    model::store(*c.row, immediate ? extended(c.insn.imm) : c.src,
                 std::as_writable_bytes(std::span(after)).subspan(c.at));
    if (!immediate) operand(c.insn.src, c.src);
    window(c, c.insn.dst, after);
    emit(c.insn);
  }

  void exchanges(const GeneratedCase& c) {
    std::array<std::uint64_t, 2> after{c.window[0], c.window[1]};
    std::uint64_t src = c.src;
    std::uint64_t r0 = c.r0;
    model::atomic(*c.row, std::as_writable_bytes(std::span(after)).subspan(c.at), src, r0);
    operand(c.insn.src, c.src);
    if (is_compare_exchange(*c.row) && c.insn.src != 0) operand(0, c.r0);
    window(c, c.insn.dst, after);
    emit(c.insn);
    if (is_compare_exchange(*c.row)) result(0, r0);
    if (!is_compare_exchange(*c.row) || c.insn.src != 0) result(c.insn.src, src);
  }

  void numbers(const GeneratedCase& c) {
    emit(c.insn);
    emit(insn(0, 0, 0, 0, c.upper));
    const Insn pair[] = {c.insn, insn(0, 0, 0, 0, c.upper)};
    result(c.insn.dst, static_cast<std::uint32_t>(pair[0].imm) + (extended(pair[1].imm) << 32));
  }

  static constexpr std::uint64_t kUntouched = 0xdead'beef'dead'beef;
  static constexpr std::int32_t kJumped = 1, kWentOn = 2;
  Batch batch_;
  unsigned base_ = 0;
};

}  // namespace

std::vector<GeneratedCase> cases_of(const InsnRow& row) {
  Cases cases(row);
  switch (row.kind) {
    case Kind::kAlu:
      if (row.alu() == AluOp::kNeg) {
        with_one_operand(cases);
      } else if (row.source == vm::Source::kReg) {
        with_registers(row, cases);
      } else {
        with_immediates(row, cases);
      }
      break;
    case Kind::kBranch:
      row.source == vm::Source::kReg ? with_registers(row, cases) : with_immediates(row, cases);
      break;
    case Kind::kEndian: with_one_operand(cases); break;
    case Kind::kLoad:
    case Kind::kLoadSigned: with_loads(row, cases); break;
    case Kind::kStore:
    case Kind::kStoreImm: with_stores(row, cases); break;
    case Kind::kAtomic: with_atomics(row, cases); break;
    case Kind::kLoadImm64:
      if (row.op == static_cast<std::uint8_t>(vm::Imm64::kNumber)) with_numbers(cases);
      break;
    case Kind::kGoto:
    case Kind::kCallHelper:
    case Kind::kCallLocal:
    case Kind::kCallKernel:
    case Kind::kExit:
    case Kind::kLegacyLoad: break;
  }
  return std::move(cases).take();
}

std::string describe(const GeneratedCase& c) {
  return fmt::format("{}: r{} = {:#x}, r{} = {:#x}, r0 = {:#x}, imm {:#x}, offset {}, memory {:#x} {:#x} at {}",
                     c.row->name, static_cast<unsigned>(c.insn.dst), c.dst, static_cast<unsigned>(c.insn.src), c.src,
                     c.r0, c.insn.imm, c.insn.offset, c.window[0], c.window[1], c.at);
}

const GeneratedCase& Batch::at(std::size_t offset) const {
  const auto after = std::ranges::upper_bound(places, offset, {}, &Place::offset);
  return std::prev(after)->what;
}

std::vector<Batch> batches(std::span<const GeneratedCase> cases) {
  std::vector<Batch> all;
  Writer writer;
  for (const GeneratedCase& c : cases) {
    if (!writer.fits()) {
      all.push_back(std::move(writer).take());
      writer = Writer();
    }
    writer.write(c);
  }
  if (!cases.empty()) all.push_back(std::move(writer).take());
  return all;
}

std::vector<Insn> memory_program(const Batch& batch) {
  std::vector<Insn> program = {insn(kStore64, vm::kFrameRegister, 1, kBlockSlot)};
  program.insert(program.end(), batch.body.begin(), batch.body.end());
  program.push_back(insn(kMovImm64, 0, 0, 0, 0));
  program.push_back(insn(kExit, 0, 0, 0));
  return program;
}

std::vector<Insn> hashing_program(const Batch& batch) {
  std::vector<Insn> program = {insn(kStore64, vm::kFrameRegister, 1, kBlockSlot)};
  program.insert(program.end(), batch.body.begin(), batch.body.end());
  const auto words = static_cast<std::int32_t>(batch.before.size() / 8);
  const Insn loop[] = {
      insn(kLoad64, 1, vm::kFrameRegister, kBlockSlot),
      insn(kMovImm64, 0, 0, 0, 0),
      insn(kMovImm64, 2, 0, 0, 0),
      insn(kMulImm64, 0, 0, 0, kHashFactor),  // the loop starts here
      insn(kLoad64, 3, 1, 0),
      insn(kAddReg64, 0, 3, 0),
      insn(kAddImm64, 1, 0, 0, 8),
      insn(kAddImm64, 2, 0, 0, 1),
      insn(kJumpLess, 2, 0, -6, words),
      insn(kExit, 0, 0, 0),
  };
  program.insert(program.end(), std::begin(loop), std::end(loop));
  return program;
}

std::uint64_t hash(std::span<const std::byte> block) {
  std::uint64_t made = 0;
  for (std::size_t at = 0; at < block.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, block.data() + at, sizeof word);
    made = made * kHashFactor + word;
  }
  return made;
}

std::vector<Insn> map_program(const Batch& batch) {
  constexpr auto kMapValue = static_cast<unsigned>(vm::Imm64::kMapValue);
  std::vector<Insn> program = {insn(kLddw, 1, kMapValue, 0), insn(0, 0, 0, 0),
                               insn(kStore64, vm::kFrameRegister, 1, kBlockSlot)};
  program.insert(program.end(), batch.body.begin(), batch.body.end());
  program.push_back(insn(kMovImm64, 0, 0, 0, kPass));
  program.push_back(insn(kExit, 0, 0, 0));
  return program;
}

}  // namespace sluice::testing_support
