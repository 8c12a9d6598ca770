#pragma once
// The instruction set of RFC 9669 as one table. Everybody who handles instructions (assembler, disassembler,
// interpreter, verifier, JIT, tests) asks `find` for the row of an instruction and switches over the row's kind and
// operation; nobody else knows opcodes. The table is constant: any thread.
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace sluice::vm {

// One slot as it stands in an object file (RFC 9669 section 3). `lddw` takes two.
struct Insn {
  std::uint8_t opcode = 0;
  std::uint8_t dst : 4 = 0;
  std::uint8_t src : 4 = 0;
  std::int16_t offset = 0;
  std::int32_t imm = 0;

  friend bool operator==(const Insn&, const Insn&) = default;
};
static_assert(sizeof(Insn) == 8);

constexpr unsigned kRegisters = 11;      // r0..r10
constexpr unsigned kFrameRegister = 10;  // r10: read-only, one past the top of the stack
constexpr unsigned kStackBytes = 512;    // MAX_BPF_STACK, linux/filter.h
constexpr unsigned kMaxCallFrames = 8;   // MAX_CALL_FRAMES, linux/bpf_verifier.h
constexpr unsigned kMaxTailCalls = 33;   // MAX_TAIL_CALL_CNT, linux/bpf.h

enum class Kind : std::uint8_t {
  kAlu,         // dst = dst OP operand; op is AluOp
  kEndian,      // dst = swapped dst; op is EndianOp; `size` bytes of dst are kept
  kLoad,        // dst = zero-extended *(size *)(src + offset)
  kLoadSigned,  // dst = sign-extended *(size *)(src + offset)
  kStore,       // *(size *)(dst + offset) = src
  kStoreImm,    // *(size *)(dst + offset) = imm
  kAtomic,      // op is AtomicOp on *(size *)(dst + offset)
  kLoadImm64,   // dst = 64-bit immediate; src says which kind (Imm64)
  kGoto,        // jump by offset (or imm, when `wide` is false: the class is JMP32)
  kBranch,      // jump by offset when dst COND operand; op is Cond
  kCallHelper,  // r0 = helper imm(r1..r5)
  kCallLocal,   // call the sub-program imm slots after the next one
  kCallKernel,  // kfunc imm: known, always refused by the verifier
  kExit,
  kLegacyLoad,  // LD_ABS, LD_IND: known, always refused for XDP
};

enum class AluOp : std::uint8_t {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kSdiv,
  kOr,
  kAnd,
  kLsh,
  kRsh,
  kNeg,
  kMod,
  kSmod,
  kXor,
  kMov,
  kMovsx8,
  kMovsx16,
  kMovsx32,
  kArsh,
};
enum class EndianOp : std::uint8_t { kToLittle, kToBig, kSwap };
enum class Cond : std::uint8_t { kEq, kGt, kGe, kSet, kNe, kSgt, kSge, kLt, kLe, kSlt, kSle };
enum class AtomicOp : std::uint8_t {
  kAdd,
  kOr,
  kAnd,
  kXor,
  kFetchAdd,
  kFetchOr,
  kFetchAnd,
  kFetchXor,
  kExchange,
  kCompareExchange,
};
enum class Source : std::uint8_t { kImm, kReg };

// Kinds of `lddw`, the value of its src field (RFC 9669 section 5.4). In a LoadedProgram the map kinds hold in imm an
// index into LoadedProgram::maps, and kMapValue in the second slot's imm an offset into the value in bytes.
enum class Imm64 : std::uint8_t {
  kNumber = 0,
  kMap = 1,
  kMapValue = 2,
  kVariable = 3,
  kCode = 4,
  kMapIndex = 5,
  kMapIndexValue = 6
};

// What an instruction field must hold for a row to match.
struct FieldRule {
  enum class Mode : std::uint8_t { kOperand, kExactly } mode = Mode::kExactly;
  std::int32_t value = 0;

  [[nodiscard]] constexpr bool matches(std::int32_t field) const { return mode == Mode::kOperand || field == value; }
};

struct InsnRow {
  std::string_view name;      // unique; the name of its conformance file: "add64_imm", "ldxw", "atomic_fetch_add32"
  std::string_view mnemonic;  // what assembler and disassembler write: "add", "ldxw", "jeq"
  std::uint8_t opcode = 0;
  FieldRule dst, src, offset, imm;
  Kind kind = Kind::kExit;
  std::uint8_t op = 0;           // AluOp, EndianOp, Cond or AtomicOp by kind
  Source source = Source::kImm;  // second operand of kAlu and kBranch
  bool wide = true;              // kAlu, kBranch, kGoto, kEndian: 64-bit class; false: the 32-bit class
  std::uint8_t size = 0;         // bytes touched by loads, stores and atomics, or kept by kEndian: 1, 2, 4, 8
  std::uint8_t version = 1;      // the first `-mcpu=v` that has it, 1..4

  [[nodiscard]] constexpr AluOp alu() const { return static_cast<AluOp>(op); }
  [[nodiscard]] constexpr EndianOp endian() const { return static_cast<EndianOp>(op); }
  [[nodiscard]] constexpr Cond cond() const { return static_cast<Cond>(op); }
  [[nodiscard]] constexpr AtomicOp atomic() const { return static_cast<AtomicOp>(op); }
};

// All rows, ascending by opcode.
std::span<const InsnRow> all_rows() noexcept;

// The row of `insn`, or null when no instruction of RFC 9669 looks like that (reserved fields included). The second
// slot of an `lddw` is not an instruction: callers step over it. Register numbers are not judged here.
const InsnRow* find(const Insn& insn) noexcept;

// Slots the instruction takes: 2 for lddw, else 1.
constexpr unsigned slots(const InsnRow& row) { return row.kind == Kind::kLoadImm64 ? 2 : 1; }

// Relative jump distance in slots, from the slot after the instruction, of kGoto and kBranch.
constexpr std::int32_t jump_distance(const InsnRow& row, const Insn& insn) {
  return row.kind == Kind::kGoto && !row.wide ? insn.imm : insn.offset;
}

// The 64-bit immediate of an `lddw`; `pair` points to its two slots.
constexpr std::uint64_t imm64(const Insn* pair) {
  return static_cast<std::uint32_t>(pair[0].imm) |
         (static_cast<std::uint64_t>(static_cast<std::uint32_t>(pair[1].imm)) << 32);
}

}  // namespace sluice::vm
