// Random programs: the JIT and the interpreter agree on r0 and on every byte of memory. Programs are straight lines and
// forward branches over all rows of the instruction table that compute or touch memory, all registers, boundary
// immediates; every seed is fixed.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "jit/compile.h"
#include "tests/support/programs.h"
#include "vm/asm.h"
#include "vm/interpreter.h"

namespace sluice::jit {
namespace {

using testing_support::fake_helpers;
using testing_support::unverified;

constexpr unsigned kMemory = 256;  // bytes of r1's memory
constexpr unsigned kBase = 9;      // r9 holds its address throughout
constexpr std::size_t kSetUp = 1;  // slots before the random part

constexpr std::array<std::int32_t, 24> kImmediates = {0,    1,   -1,  2,      3,       7,          8,         10,
                                                      31,   32,  33,  63,     64,      127,        128,       -128,
                                                      -129, 255, 256, 0x7fff, -0x8000, 0x7fffffff, INT32_MIN, 1000003};

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_{seed} {}

  std::vector<vm::Insn> program(unsigned length) {
    insns_ = {{0xbf, kBase, 1, 0, 0}};
    for (unsigned r = 0; r < kBase; ++r) load_number(r);
    while (insns_.size() < length) random_insn();
    finish();
    return insns_;
  }

 private:
  unsigned below(unsigned n) { return random_.next() % n; }
  // Every register but the base; r10 only as a source.
  unsigned any_dst() { return below(kBase); }
  unsigned any_src() { return below(16) == 0 ? 10 : below(kBase); }
  std::int32_t any_imm() {
    return below(3) == 0 ? static_cast<std::int32_t>(random_.next()) : kImmediates[below(kImmediates.size())];
  }

  void load_number(unsigned r) {
    const auto high = below(2) == 0 ? any_imm() : 0;
    insns_.push_back({0x18, static_cast<std::uint8_t>(r & 15), 0, 0, any_imm()});
    insns_.push_back({0, 0, 0, 0, high});
  }

  // What the JIT translates together: an address and what goes by it, a number and its store, an operand and its load;
  // then most often another number, so that nobody reads what was between.
  void random_group() {
    const unsigned kind = below(4);
    const unsigned a = below(kBase);
    const unsigned b = (a + 1 + below(kBase - 1)) % kBase;
    const auto reg = [](unsigned r) { return static_cast<std::uint8_t>(r & 15); };
    const auto start = insns_.size();
    const std::uint8_t size = std::array<std::uint8_t, 4>{0x00, 0x08, 0x10, 0x18}[below(4)];  // 4, 2, 1, 8 bytes
    const auto at = static_cast<std::int16_t>(below(56) * 2);
    if (kind < 2) {
      // b = 0..63 in half of them; a = r9 + b, or + a number.
      if (kind == 0) insns_.push_back({0x57, reg(b), 0, 0, 63});
      insns_.push_back({0xbf, reg(a), kBase, 0, 0});
      if (below(8) == 0) insns_.push_back({0x07, reg(a), 0, 0, 8});
      insns_.push_back(kind == 0 ? vm::Insn{0x0f, reg(a), reg(b), 0, 0} : vm::Insn{0x07, reg(a), 0, 0, at});
      const unsigned other = below(8) == 0 ? a : below(kBase);
      const unsigned access = below(4);
      const bool is_load = access < 2;
      if (access == 0) insns_.push_back({static_cast<std::uint8_t>(0x61 | size), reg(other), reg(a), at, 0});
      if (access == 1) insns_.push_back({static_cast<std::uint8_t>(0x81 | (size % 0x18)), reg(other), reg(a), at, 0});
      if (access == 2) insns_.push_back({static_cast<std::uint8_t>(0x62 | size), reg(a), 0, at, any_imm()});
      if (access == 3 && other != a) {
        insns_.push_back({static_cast<std::uint8_t>(0x63 | size), reg(a), reg(other), at, 0});
      }
      inner_.insert(inner_.end(), {start, insns_.size()});
      if (!is_load || other != a) insns_.push_back({0xb7, reg(a), 0, 0, any_imm()});  // addresses differ between runs
      return;
    }
    if (kind == 2) {
      insns_.push_back({static_cast<std::uint8_t>(below(2) == 0 ? 0xb7 : 0xb4), reg(a), 0, 0, any_imm()});
      insns_.push_back({static_cast<std::uint8_t>(0x63 | size), kBase, reg(a), at, 0});
    } else {
      insns_.push_back({static_cast<std::uint8_t>(0x61 | size), reg(a), kBase, at, 0});
      const auto op = static_cast<std::uint8_t>(std::array{0x00, 0x10, 0x40, 0x50, 0xa0, 0x20}[below(6)]);
      insns_.push_back({static_cast<std::uint8_t>((below(2) == 0 ? 0x0f : 0x0c) | op), reg(b), reg(a), 0, 0});
    }
    if (below(4) != 0) load_number(a);
  }

  void random_insn() {
    if (below(4) == 0) return random_group();
    const std::span<const vm::InsnRow> rows = vm::all_rows();
    const vm::InsnRow& row = rows[below(static_cast<unsigned>(rows.size()))];
    switch (row.kind) {
      case vm::Kind::kAlu:
      case vm::Kind::kEndian: push(row, any_dst(), any_src(), row.offset.value); break;
      case vm::Kind::kBranch:
        push(row, below(16) == 0 ? 10 : any_dst(), any_src(), 0);
        branches_.push_back(insns_.size() - 1);
        break;
      case vm::Kind::kGoto:
        if (below(4) != 0) break;
        push(row, 0, 0, 0);
        branches_.push_back(insns_.size() - 1);
        break;
      case vm::Kind::kLoad:
      case vm::Kind::kLoadSigned: push(row, any_dst(), kBase, place(row.size)); break;
      case vm::Kind::kStore: push(row, kBase, any_src() % 10, place(row.size)); break;
      case vm::Kind::kStoreImm: push(row, kBase, 0, place(row.size)); break;
      case vm::Kind::kAtomic: push(row, kBase, any_dst(), aligned(row.size)); break;
      case vm::Kind::kLoadImm64:
        if (row.src.value == 0) load_number(any_dst());
        break;
      case vm::Kind::kCallHelper:
      case vm::Kind::kCallLocal:
      case vm::Kind::kCallKernel:
      case vm::Kind::kExit:
      case vm::Kind::kLegacyLoad: break;
    }
  }

  std::int32_t place(unsigned size) { return static_cast<std::int32_t>(below(kMemory - size + 1)); }
  std::int32_t aligned(unsigned size) { return static_cast<std::int32_t>(below(kMemory / size) * size); }

  void push(const vm::InsnRow& row, unsigned dst, unsigned src, std::int32_t offset) {
    vm::Insn insn;
    insn.opcode = row.opcode;
    insn.dst = static_cast<std::uint8_t>(row.dst.mode == vm::FieldRule::Mode::kOperand ? dst & 15 : 0);
    insn.src = static_cast<std::uint8_t>(row.src.mode == vm::FieldRule::Mode::kOperand ? src & 15 : 0);
    insn.offset = static_cast<std::int16_t>(offset);
    insn.imm = row.imm.mode == vm::FieldRule::Mode::kOperand ? any_imm() : row.imm.value;
    insns_.push_back(insn);
  }

  // Branches go forward to an instruction that starts there; then every register is folded into r0.
  void finish() {
    const std::size_t body_end = insns_.size();
    std::vector<std::size_t> starts;
    for (std::size_t slot = kSetUp; slot < body_end; slot += insns_[slot].opcode == 0x18 ? 2 : 1)
      starts.push_back(slot);
    starts.push_back(body_end);
    for (std::size_t i = 0; i < inner_.size(); i += 2) {
      std::erase_if(starts, [&](std::size_t slot) { return slot > inner_[i] && slot <= inner_[i + 1]; });
    }
    for (const std::size_t branch : branches_) {
      const auto first = std::ranges::upper_bound(starts, branch);
      const auto choices = std::min<std::size_t>(static_cast<std::size_t>(starts.end() - first), 20);
      const auto target = static_cast<std::ptrdiff_t>(*(first + below(static_cast<unsigned>(choices))));
      const std::ptrdiff_t distance = target - static_cast<std::ptrdiff_t>(branch) - 1;
      if (insns_[branch].opcode == 0x06) {
        insns_[branch].imm = static_cast<std::int32_t>(distance);
      } else {
        insns_[branch].offset = static_cast<std::int16_t>(distance);
      }
    }
    for (unsigned r = 1; r < kBase; ++r) {
      insns_.push_back({0x27, 0, 0, 0, 31});                                 // mul r0, 31
      insns_.push_back({0xaf, 0, static_cast<std::uint8_t>(r & 15), 0, 0});  // xor r0, rN
    }
    insns_.push_back({0x95, 0, 0, 0, 0});
  }

  vm::Prng random_;
  std::vector<vm::Insn> insns_;
  std::vector<std::size_t> branches_;
  std::vector<std::size_t> inner_;  // pairs: no branch goes behind the first slot, up to the second
};

// r10 as a source is an address that differs between the engines: programs that use it subtract it from itself only.
void forget_frame_address(std::vector<vm::Insn>& insns) {
  for (std::size_t i = 0; i < insns.size(); ++i) {
    const vm::InsnRow* row = vm::find(insns[i]);
    if (row == nullptr) continue;
    if (row->kind == vm::Kind::kLoadImm64) {
      ++i;
      continue;
    }
    if (row->src.mode == vm::FieldRule::Mode::kOperand && insns[i].src == 10) insns[i].src = 0;
    if (row->dst.mode == vm::FieldRule::Mode::kOperand && insns[i].dst == 10) insns[i].dst = 0;
  }
}

struct Run {
  std::uint64_t r0 = 0;
  std::vector<std::byte> memory;
};

std::vector<std::byte> random_memory(std::uint64_t seed) {
  vm::Prng random{seed};
  std::vector<std::byte> memory(kMemory);
  for (std::byte& b : memory) b = static_cast<std::byte>(random.next());
  return memory;
}

std::string listing(const std::vector<vm::Insn>& insns) {
  std::string text;
  for (std::size_t i = 0; i < insns.size(); i += insns[i].opcode == 0x18 ? 2 : 1) {
    text += std::to_string(i) + ": " + vm::disassemble(insns, i) + "\n";
  }
  return text;
}

void expect_same(const std::vector<vm::Insn>& insns, std::uint64_t seed, x86_64::Features features) {
  vm::LoadedProgram program;
  program.type = &vm::memory_type();
  program.insns = insns;
  const vm::VerifiedProgram verified = unverified(std::move(program));
  const Result<CompiledProgram> code = compile_for(verified, fake_helpers(), features);
  ASSERT_TRUE(code) << code.error().message;
  for (std::uint64_t round = 0; round < 2; ++round) {
    Run reference{0, random_memory(seed + round)};
    Run jit = reference;
    vm::ExecEnv env;
    reference.r0 = vm::interpret(verified, vm::MemoryContext{reference.memory.data(), kMemory}, env, fake_helpers()).r0;
    jit.r0 = code->memory()(jit.memory.data(), kMemory, &env);
    ASSERT_EQ(jit.r0, reference.r0) << "seed " << seed << "\n" << listing(insns);
    ASSERT_EQ(jit.memory, reference.memory) << "seed " << seed << "\n" << listing(insns);
  }
}

void random_programs(std::uint64_t first, unsigned count, unsigned length, x86_64::Features features) {
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    std::vector<vm::Insn> insns = Generator(seed).program(length);
    forget_frame_address(insns);
    expect_same(insns, seed, features);
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(Differential, ShortRandomProgramsGiveWhatTheInterpreterGives) {
  random_programs(1, 3000, 40, x86_64::detect_features());
}

TEST(Differential, ShortRandomProgramsOnACpuWithoutExtensions) { random_programs(100'000, 3000, 40, {}); }

TEST(Differential, LongRandomProgramsGiveWhatTheInterpreterGives) {
  random_programs(200'000, 150, 600, x86_64::detect_features());
}

TEST(Differential, RandomProgramsOfTenThousandInstructions) {
  random_programs(300'000, 3, 10'000, x86_64::detect_features());
}

// Every ALU, byte-swap and branch row with every pair of registers (the same one included) and boundary values.
TEST(Differential, EveryRegisterPairOfEveryAluRow) {
  std::uint64_t seed = 0;
  for (const vm::InsnRow& row : vm::all_rows()) {
    if (row.kind != vm::Kind::kAlu && row.kind != vm::Kind::kEndian && row.kind != vm::Kind::kBranch) continue;
    const bool two = row.src.mode == vm::FieldRule::Mode::kOperand;
    std::vector<vm::Insn> insns = {{0xbf, kBase, 1, 0, 0}};
    for (unsigned dst = 0; dst < kBase; ++dst) {
      for (unsigned src = 0; src < (two ? kBase : 1U); ++src) {
        vm::Prng random{++seed};
        for (unsigned r = 0; r < kBase; ++r) {
          insns.push_back(
              {0x18, static_cast<std::uint8_t>(r & 15), 0, 0, kImmediates[random.next() % kImmediates.size()]});
          insns.push_back({0, 0, 0, 0, kImmediates[random.next() % kImmediates.size()]});
        }
        vm::Insn insn;
        insn.opcode = row.opcode;
        insn.dst = static_cast<std::uint8_t>(dst & 15);
        insn.src = static_cast<std::uint8_t>(two ? src & 15 : 0);
        insn.offset = static_cast<std::int16_t>(row.kind == vm::Kind::kBranch ? 1 : row.offset.value);
        insn.imm = row.imm.mode == vm::FieldRule::Mode::kOperand ? kImmediates[random.next() % kImmediates.size()]
                                                                 : row.imm.value;
        insns.push_back(insn);
        insns.push_back({0x07, 4, 0, 0, 77});  // skipped by a branch that is taken
        for (unsigned r = 0; r < kBase; ++r) {
          // r5 is a register like others: fold all of them into memory at a place of their own.
          insns.push_back({0xdb, kBase, static_cast<std::uint8_t>(r & 15), static_cast<std::int16_t>(r * 8), 0});
        }
      }
    }
    insns.push_back({0xb7, 0, 0, 0, 0});
    insns.push_back({0x95, 0, 0, 0, 0});
    expect_same(insns, seed, x86_64::detect_features());
    expect_same(insns, seed, {});
    if (HasFatalFailure()) return;
  }
}

// Constant divisors of every kind, all widths and signs.
TEST(Differential, EveryDivisionByBoundaryConstants) {
  for (const vm::InsnRow& row : vm::all_rows()) {
    if (row.kind != vm::Kind::kAlu || row.source != vm::Source::kImm) continue;
    std::vector<vm::Insn> insns = {{0xbf, kBase, 1, 0, 0}};
    vm::Prng random{row.opcode};
    for (unsigned i = 0; i < 200; ++i) {
      const auto dst = static_cast<std::uint8_t>(random.next() % kBase & 15);
      // 64 bits, or 32 so that the upper half is known to be zero
      const std::uint8_t load = random.next() % 2 == 0 ? 0x79 : 0x61;
      insns.push_back({load, dst, kBase, static_cast<std::int16_t>(random.next() % 31 * 8), 0});
      const std::int32_t imm =
          i < kImmediates.size() ? kImmediates[i] : static_cast<std::int32_t>(random.next() >> random.next() % 32);
      insns.push_back({row.opcode, dst, 0, static_cast<std::int16_t>(row.offset.value),
                       row.imm.mode == vm::FieldRule::Mode::kOperand ? imm : 0});
      insns.push_back({0xdb, kBase, dst, static_cast<std::int16_t>(random.next() % 31 * 8), 0});
    }
    insns.push_back({0xb7, 0, 0, 0, 0});
    insns.push_back({0x95, 0, 0, 0, 0});
    for (std::uint64_t seed = 1; seed < 20; ++seed) {
      expect_same(insns, seed, x86_64::detect_features());
      if (HasFatalFailure()) return;
    }
  }
}

// Atomics on every pair of base and operand, r0 included, which compare-and-exchange uses besides.
TEST(Differential, EveryRegisterPairOfEveryAtomicRow) {
  std::uint64_t seed = 5000;
  for (const vm::InsnRow& row : vm::all_rows()) {
    if (row.kind != vm::Kind::kAtomic) continue;
    for (unsigned base = 0; base < 10; ++base) {
      for (unsigned src = 0; src < 10; ++src) {
        std::vector<vm::Insn> insns = {{0xbf, 10 - 1, 1, 0, 0}};
        vm::Prng random{++seed};
        for (unsigned r = 0; r < kBase; ++r) {
          insns.push_back(
              {0x18, static_cast<std::uint8_t>(r & 15), 0, 0, kImmediates[random.next() % kImmediates.size()]});
          insns.push_back({0, 0, 0, 0, static_cast<std::int32_t>(random.next())});
        }
        // The address itself as the operand would differ between runs: add, fetch and store it nowhere.
        if (base == src || (base == 0 && row.atomic() == vm::AtomicOp::kCompareExchange) || src == kBase) continue;
        insns.push_back({0xbf, static_cast<std::uint8_t>(base & 15), kBase, 0, 0});
        insns.push_back(
            {row.opcode, static_cast<std::uint8_t>(base & 15), static_cast<std::uint8_t>(src & 15), 16, row.imm.value});
        for (unsigned r = 0; r < kBase; ++r) {
          if (r == base) continue;
          insns.push_back({0x7b, kBase, static_cast<std::uint8_t>(r & 15), static_cast<std::int16_t>(64 + r * 8), 0});
        }
        insns.push_back({0xb7, 0, 0, 0, 0});
        insns.push_back({0x95, 0, 0, 0, 0});
        expect_same(insns, seed, x86_64::detect_features());
        if (HasFatalFailure()) return;
      }
    }
  }
}

}  // namespace
}  // namespace sluice::jit
