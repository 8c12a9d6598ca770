#include "vm/isa.h"

#include <algorithm>

namespace sluice::vm {
namespace {

// Opcode bytes, RFC 9669 sections 3 to 5.
constexpr std::uint8_t kClassLd = 0x00, kClassLdx = 0x01, kClassSt = 0x02, kClassStx = 0x03;
constexpr std::uint8_t kClassAlu = 0x04, kClassJmp = 0x05, kClassJmp32 = 0x06, kClassAlu64 = 0x07;
constexpr std::uint8_t kSourceReg = 0x08;
constexpr std::uint8_t kModeImm = 0x00, kModeAbs = 0x20, kModeInd = 0x40, kModeMem = 0x60, kModeMemsx = 0x80;
constexpr std::uint8_t kModeAtomic = 0xc0;

constexpr FieldRule kOperand{FieldRule::Mode::kOperand, 0};
constexpr FieldRule exactly(std::int32_t value) { return {FieldRule::Mode::kExactly, value}; }
constexpr FieldRule kZero = exactly(0);

struct AluShape {
  AluOp op;
  std::uint8_t code;    // upper four bits of the opcode
  std::int16_t offset;  // what the offset field holds
  std::uint8_t version;
  std::array<std::string_view, 4> names;      // 64 imm, 64 reg, 32 imm, 32 reg; empty = there is none
  std::array<std::string_view, 2> mnemonics;  // 64, 32
};

#define SLUICE_ALU_NAMES(n) {n "64_imm", n "64_reg", n "32_imm", n "32_reg"}, {n, n "32"}
constexpr AluShape kAluShapes[] = {
    {AluOp::kAdd, 0x00, 0, 1, SLUICE_ALU_NAMES("add")},
    {AluOp::kSub, 0x10, 0, 1, SLUICE_ALU_NAMES("sub")},
    {AluOp::kMul, 0x20, 0, 1, SLUICE_ALU_NAMES("mul")},
    {AluOp::kDiv, 0x30, 0, 1, SLUICE_ALU_NAMES("div")},
    {AluOp::kSdiv, 0x30, 1, 4, SLUICE_ALU_NAMES("sdiv")},
    {AluOp::kOr, 0x40, 0, 1, SLUICE_ALU_NAMES("or")},
    {AluOp::kAnd, 0x50, 0, 1, SLUICE_ALU_NAMES("and")},
    {AluOp::kLsh, 0x60, 0, 1, SLUICE_ALU_NAMES("lsh")},
    {AluOp::kRsh, 0x70, 0, 1, SLUICE_ALU_NAMES("rsh")},
    {AluOp::kNeg, 0x80, 0, 1, {"neg64", "", "neg32", ""}, {"neg", "neg32"}},
    {AluOp::kMod, 0x90, 0, 1, SLUICE_ALU_NAMES("mod")},
    {AluOp::kSmod, 0x90, 1, 4, SLUICE_ALU_NAMES("smod")},
    {AluOp::kXor, 0xa0, 0, 1, SLUICE_ALU_NAMES("xor")},
    {AluOp::kMov, 0xb0, 0, 1, SLUICE_ALU_NAMES("mov")},
    {AluOp::kMovsx8, 0xb0, 8, 4, {"", "movsx8_64", "", "movsx8_32"}, {"movsx8", "movsx832"}},
    {AluOp::kMovsx16, 0xb0, 16, 4, {"", "movsx16_64", "", "movsx16_32"}, {"movsx16", "movsx1632"}},
    {AluOp::kMovsx32, 0xb0, 32, 4, {"", "movsx32_64", "", ""}, {"movsx32", ""}},
    {AluOp::kArsh, 0xc0, 0, 1, SLUICE_ALU_NAMES("arsh")},
};
#undef SLUICE_ALU_NAMES

struct CondShape {
  Cond cond;
  std::uint8_t code;
  std::uint8_t version;  // of the 64-bit class; the 32-bit class came with v3
  std::array<std::string_view, 4> names;
  std::array<std::string_view, 2> mnemonics;
};

#define SLUICE_COND_NAMES(n) {n "_imm", n "_reg", n "32_imm", n "32_reg"}, {n, n "32"}
constexpr CondShape kCondShapes[] = {
    {Cond::kEq, 0x10, 1, SLUICE_COND_NAMES("jeq")},   {Cond::kGt, 0x20, 1, SLUICE_COND_NAMES("jgt")},
    {Cond::kGe, 0x30, 1, SLUICE_COND_NAMES("jge")},   {Cond::kSet, 0x40, 1, SLUICE_COND_NAMES("jset")},
    {Cond::kNe, 0x50, 1, SLUICE_COND_NAMES("jne")},   {Cond::kSgt, 0x60, 1, SLUICE_COND_NAMES("jsgt")},
    {Cond::kSge, 0x70, 1, SLUICE_COND_NAMES("jsge")}, {Cond::kLt, 0xa0, 2, SLUICE_COND_NAMES("jlt")},
    {Cond::kLe, 0xb0, 2, SLUICE_COND_NAMES("jle")},   {Cond::kSlt, 0xc0, 2, SLUICE_COND_NAMES("jslt")},
    {Cond::kSle, 0xd0, 2, SLUICE_COND_NAMES("jsle")},
};
#undef SLUICE_COND_NAMES

struct AtomicShape {
  AtomicOp op;
  std::int32_t imm;
  std::uint8_t version;
  std::array<std::string_view, 2> names;  // 64, 32
};
constexpr AtomicShape kAtomicShapes[] = {
    {AtomicOp::kAdd, 0x00, 1, {"atomic_add64", "atomic_add32"}},
    {AtomicOp::kOr, 0x40, 3, {"atomic_or64", "atomic_or32"}},
    {AtomicOp::kAnd, 0x50, 3, {"atomic_and64", "atomic_and32"}},
    {AtomicOp::kXor, 0xa0, 3, {"atomic_xor64", "atomic_xor32"}},
    {AtomicOp::kFetchAdd, 0x01, 3, {"atomic_fetch_add64", "atomic_fetch_add32"}},
    {AtomicOp::kFetchOr, 0x41, 3, {"atomic_fetch_or64", "atomic_fetch_or32"}},
    {AtomicOp::kFetchAnd, 0x51, 3, {"atomic_fetch_and64", "atomic_fetch_and32"}},
    {AtomicOp::kFetchXor, 0xa1, 3, {"atomic_fetch_xor64", "atomic_fetch_xor32"}},
    {AtomicOp::kExchange, 0xe1, 3, {"atomic_xchg64", "atomic_xchg32"}},
    {AtomicOp::kCompareExchange, 0xf1, 3, {"atomic_cmpxchg64", "atomic_cmpxchg32"}},
};

struct SizeShape {
  std::uint8_t code, bytes;
  std::string_view load, load_signed, store, store_imm, abs, ind;  // empty = there is none
};
constexpr SizeShape kSizeShapes[] = {
    {0x10, 1, "ldxb", "ldxsb", "stxb", "stb", "ldabsb", "ldindb"},
    {0x08, 2, "ldxh", "ldxsh", "stxh", "sth", "ldabsh", "ldindh"},
    {0x00, 4, "ldxw", "ldxsw", "stxw", "stw", "ldabsw", "ldindw"},
    {0x18, 8, "ldxdw", "", "stxdw", "stdw", "", ""},
};

struct EndianShape {
  EndianOp op;
  std::uint8_t opcode;
  std::uint8_t version;
  std::array<std::string_view, 3> names;  // 16, 32, 64
};
constexpr EndianShape kEndianShapes[] = {
    {EndianOp::kToLittle, 0xd4, 1, {"le16", "le32", "le64"}},
    {EndianOp::kToBig, 0xdc, 1, {"be16", "be32", "be64"}},
    {EndianOp::kSwap, 0xd7, 4, {"bswap16", "bswap32", "bswap64"}},
};

struct Table {
  std::array<InsnRow, 256> rows{};
  std::size_t count = 0;

  constexpr InsnRow& add(InsnRow row) { return rows[count++] = row; }
};

constexpr void add_alu(Table& t) {
  for (const AluShape& s : kAluShapes) {
    for (unsigned i = 0; i < 4; ++i) {
      if (s.names[i].empty()) continue;
      const bool wide = i < 2;
      const bool reg = i % 2 == 1;
      const bool neg = s.op == AluOp::kNeg;
      t.add({.name = s.names[i],
             .mnemonic = s.mnemonics[wide ? 0 : 1],
             .opcode = static_cast<std::uint8_t>((wide ? kClassAlu64 : kClassAlu) | s.code | (reg ? kSourceReg : 0)),
             .dst = kOperand,
             .src = reg ? kOperand : kZero,
             .offset = exactly(s.offset),
             .imm = reg || neg ? kZero : kOperand,
             .kind = Kind::kAlu,
             .op = static_cast<std::uint8_t>(s.op),
             .source = reg ? Source::kReg : Source::kImm,
             .wide = wide,
             .version = s.version});
    }
  }
  for (const EndianShape& s : kEndianShapes) {
    for (unsigned i = 0; i < 3; ++i) {
      t.add({.name = s.names[i],
             .mnemonic = s.names[i],
             .opcode = s.opcode,
             .dst = kOperand,
             .src = kZero,
             .offset = kZero,
             .imm = exactly(16 << i),
             .kind = Kind::kEndian,
             .op = static_cast<std::uint8_t>(s.op),
             .wide = s.op == EndianOp::kSwap,
             .size = static_cast<std::uint8_t>(2 << i),
             .version = s.version});
    }
  }
}

constexpr void add_memory(Table& t) {
  const auto memory = [&t](std::string_view name, std::uint8_t opcode, Kind kind, std::uint8_t bytes, FieldRule src,
                           FieldRule imm, std::uint8_t version) {
    t.add({.name = name,
           .mnemonic = name,
           .opcode = opcode,
           .dst = kOperand,
           .src = src,
           .offset = kOperand,
           .imm = imm,
           .kind = kind,
           .source = src.mode == FieldRule::Mode::kOperand ? Source::kReg : Source::kImm,
           .size = bytes,
           .version = version});
  };
  for (const SizeShape& s : kSizeShapes) {
    const auto op = [&s](std::uint8_t mode, std::uint8_t cls) {
      return static_cast<std::uint8_t>(mode | s.code | cls);
    };
    memory(s.load, op(kModeMem, kClassLdx), Kind::kLoad, s.bytes, kOperand, kZero, 1);
    memory(s.store, op(kModeMem, kClassStx), Kind::kStore, s.bytes, kOperand, kZero, 1);
    memory(s.store_imm, op(kModeMem, kClassSt), Kind::kStoreImm, s.bytes, kZero, kOperand, 1);
    if (!s.load_signed.empty()) {
      memory(s.load_signed, op(kModeMemsx, kClassLdx), Kind::kLoadSigned, s.bytes, kOperand, kZero, 4);
      t.add({.name = s.abs,
             .mnemonic = s.abs,
             .opcode = op(kModeAbs, kClassLd),
             .dst = kZero,
             .src = kZero,
             .offset = kZero,
             .imm = kOperand,
             .kind = Kind::kLegacyLoad,
             .size = s.bytes});
      t.add({.name = s.ind,
             .mnemonic = s.ind,
             .opcode = op(kModeInd, kClassLd),
             .dst = kZero,
             .src = kOperand,
             .offset = kZero,
             .imm = kOperand,
             .kind = Kind::kLegacyLoad,
             .size = s.bytes});
    }
    if (s.bytes < 4) continue;
    for (const AtomicShape& a : kAtomicShapes) {
      const std::string_view name = a.names[s.bytes == 8 ? 0 : 1];
      t.add({.name = name,
             .mnemonic = name,
             .opcode = op(kModeAtomic, kClassStx),
             .dst = kOperand,
             .src = kOperand,
             .offset = kOperand,
             .imm = exactly(a.imm),
             .kind = Kind::kAtomic,
             .op = static_cast<std::uint8_t>(a.op),
             .source = Source::kReg,
             .size = s.bytes,
             .version = a.version});
    }
  }
  constexpr std::string_view kImmNames[] = {"lddw",      "lddw_map",       "lddw_map_value",      "lddw_variable",
                                            "lddw_code", "lddw_map_index", "lddw_map_index_value"};
  for (std::int32_t kind = 0; kind < 7; ++kind) {
    t.add({.name = kImmNames[kind],
           .mnemonic = kImmNames[kind],
           .opcode = kModeImm | 0x18 | kClassLd,
           .dst = kOperand,
           .src = exactly(kind),
           .offset = kZero,
           .imm = kOperand,
           .kind = Kind::kLoadImm64,
           .op = static_cast<std::uint8_t>(kind),
           .size = 8});
  }
}

constexpr void add_jumps(Table& t) {
  for (const CondShape& s : kCondShapes) {
    for (unsigned i = 0; i < 4; ++i) {
      const bool wide = i < 2;
      const bool reg = i % 2 == 1;
      t.add({.name = s.names[i],
             .mnemonic = s.mnemonics[wide ? 0 : 1],
             .opcode = static_cast<std::uint8_t>((wide ? kClassJmp : kClassJmp32) | s.code | (reg ? kSourceReg : 0)),
             .dst = kOperand,
             .src = reg ? kOperand : kZero,
             .offset = kOperand,
             .imm = reg ? kZero : kOperand,
             .kind = Kind::kBranch,
             .op = static_cast<std::uint8_t>(s.cond),
             .source = reg ? Source::kReg : Source::kImm,
             .wide = wide,
             .version = wide ? s.version : std::uint8_t{3}});
    }
  }
  t.add({.name = "ja", .mnemonic = "ja", .opcode = kClassJmp, .offset = kOperand, .kind = Kind::kGoto});
  t.add({.name = "gotol",
         .mnemonic = "gotol",
         .opcode = kClassJmp32,
         .imm = kOperand,
         .kind = Kind::kGoto,
         .wide = false,
         .version = 4});
  t.add({.name = "call", .mnemonic = "call", .opcode = 0x85, .imm = kOperand, .kind = Kind::kCallHelper});
  t.add({.name = "call_local",
         .mnemonic = "call_local",
         .opcode = 0x85,
         .src = exactly(1),
         .imm = kOperand,
         .kind = Kind::kCallLocal,
         .version = 3});
  t.add({.name = "call_kfunc",
         .mnemonic = "call_kfunc",
         .opcode = 0x85,
         .src = exactly(2),
         .imm = kOperand,
         .kind = Kind::kCallKernel,
         .version = 3});
  t.add({.name = "exit", .mnemonic = "exit", .opcode = 0x95, .kind = Kind::kExit});
}

constexpr Table make_table() {
  Table t;
  add_alu(t);
  add_memory(t);
  add_jumps(t);
  std::ranges::sort(t.rows.begin(), t.rows.begin() + t.count, {}, &InsnRow::opcode);
  return t;
}
constexpr Table kTable = make_table();

// Where the rows of each opcode start; the rows of opcode `o` are [kFirst[o], kFirst[o + 1]).
constexpr std::array<std::uint8_t, 257> kFirst = [] {
  std::array<std::uint8_t, 257> first{};
  std::size_t row = 0;
  for (unsigned opcode = 0; opcode <= 256; ++opcode) {
    while (row < kTable.count && kTable.rows[row].opcode < opcode) ++row;
    first[opcode] = static_cast<std::uint8_t>(row);
  }
  return first;
}();
static_assert(kTable.count < 256);

}  // namespace

std::span<const InsnRow> all_rows() noexcept { return {kTable.rows.data(), kTable.count}; }

const InsnRow* find(const Insn& insn) noexcept {
  for (unsigned i = kFirst[insn.opcode]; i < kFirst[insn.opcode + 1U]; ++i) {
    const InsnRow& row = kTable.rows[i];
    if (row.dst.matches(insn.dst) && row.src.matches(insn.src) && row.offset.matches(insn.offset) &&
        row.imm.matches(insn.imm)) {
      return &row;
    }
  }
  return nullptr;
}

}  // namespace sluice::vm
