#pragma once
// Turns a lowered program into x86-64 code: one emit_* a kind of instruction, in emit.cc (frames, entries, dispatch),
// emit_alu.cc, emit_fused.cc (several as one), emit_divide.cc, emit_memory.cc, emit_atomic.cc, emit_jump.cc,
// emit_call.cc, emit_lookup.cc. `emit` runs twice: the first run finds out how long everything is, the second knows
// where the code will stand and which jumps are short.
//
// A sub-program's frame, from rsp upwards: registers saved around its local calls, its BPF stack, padding that keeps
// rsp at a multiple of 16, the return address. Above the registers lies what a helper that calls back works with. rsp
// stays fixed, so r10 is rsp plus a constant.
//
// Inside, the per-frame entry takes rdi = context and r12 = environment, returns in rax and may change every other
// register but rsp and r12: only the outermost entry obeys the System V ABI. That is what makes a tail call a plain
// jump, and why a caller saves r6..r9 around local calls instead of the callee.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "jit/lower.h"
#include "jit/x86_64/assembler.h"
#include "jit/x86_64/features.h"
#include "vm/maps/array_view.h"
#include "vm/maps/lpm_trie_view.h"
#include "vm/maps/map.h"
#include "vm/maps/percpu_array_view.h"
#include "vm/maps/prog_array_view.h"

namespace sluice::jit::x86_64 {

// What a helper that calls back needs to remember in the frame of its caller.
struct Rounds {
  std::uint64_t first;     // rounds to make, or the map
  std::uint64_t function;  // address of its code
  std::uint64_t context;
  std::uint64_t done;
  vm::MapCursor cursor;
};
constexpr std::uint32_t kRoundsBytes = (sizeof(Rounds) + 15) & ~15U;

struct Code {
  std::vector<std::byte> bytes;
  std::vector<std::uint32_t> offsets;  // where each slot's code starts, prologues included; one more for the end
  std::vector<std::uint32_t> targets;  // where a jump to each slot goes
  std::uint32_t entry = 0;             // offset of the burst or memory entry
  std::uint32_t frame_entry = 0;       // offset of the per-frame entry
};

// The registers that the code for a kCallHelper reads, as a mask.
std::uint16_t registers_read(const Op& op, Features features);

class Emitter {
 public:
  // `previous` is the code of an earlier run over the same program, or null: it tells which jumps are short.
  Emitter(const Lowered& lowered, Features features, Placement placement, const Code* previous);
  // Throws Xbyak::Error.
  Code emit();

 private:
  struct Layout {              // of the frame of the function being emitted, bytes
    std::uint32_t save = 0;    // at rsp: saved registers
    std::uint32_t rounds = 0;  // above them: Rounds, when the function calls helpers that call back
    std::uint32_t stack = 0;   // above that: BPF stack
    std::uint32_t total = 0;   // what the prologue takes from rsp
  };

  // emit.cc
  void emit_entry();
  unsigned emit_save_registers();
  void emit_restore_registers();
  void emit_burst_entry(unsigned saved_bytes);
  void emit_callback_entry();
  // Its number among the goals of jumps, behind slots and functions.
  [[nodiscard]] std::uint32_t callback_entry() const {
    return static_cast<std::uint32_t>(lowered_.ops.size() + lowered_.functions.size());
  }
  void emit_memory_entry();
  void emit_function(const Function& function);
  void emit_prologue();
  void emit_clear();
  void emit_leave_frame();                 // rsp as it was at entry
  unsigned emit_insn(std::uint32_t slot);  // returns the slots translated
  void emit_frame_register();
  void emit_imm64(std::uint32_t slot);
  void emit_exit();

  // emit_alu.cc
  unsigned emit_alu(std::uint32_t slot);
  void emit_binary(const vm::InsnRow& row, const vm::Insn& insn);
  void emit_multiply(const vm::InsnRow& row, const vm::Insn& insn);
  void emit_move(const vm::InsnRow& row, const vm::Insn& insn);
  void emit_sign_extend(const vm::InsnRow& row, const vm::Insn& insn);
  void emit_shift(const vm::InsnRow& row, const vm::Insn& insn);
  void emit_shift_by_register(const vm::InsnRow& row, const vm::Insn& insn);
  void emit_shift_by_cl(vm::AluOp op, const Xbyak::Reg& dst);
  void emit_endian(const vm::InsnRow& row, const vm::Insn& insn);
  void emit_zero_extend(unsigned bpf);

  // emit_fused.cc
  // The instruction at `slot` if it may be translated together with the one before it, else null.
  [[nodiscard]] const Op* follower(std::uint32_t slot) const;
  // Whether a register is read behind the instruction.
  [[nodiscard]] bool is_live(std::uint32_t slot, unsigned bpf) const {
    return (lowered_.ops[slot].live >> bpf & 1) != 0;
  }
  [[nodiscard]] bool is_dead(std::uint32_t slot) const;
  bool fuse_extension(std::uint32_t slot);
  unsigned find_sum(std::uint32_t slot, Xbyak::RegExp& sum) const;
  unsigned fuse_sum(std::uint32_t slot);
  bool fuse_access(std::uint32_t slot, unsigned base, const Xbyak::RegExp& address);
  bool fuse_stored_number(std::uint32_t slot);
  bool fuse_operand(std::uint32_t slot);

  // emit_divide.cc
  void emit_divide(const vm::InsnRow& row, const vm::Insn& insn);
  void emit_divide_by_constant(const vm::InsnRow& row, const vm::Insn& insn);
  bool emit_divide_unsigned_constant(const vm::InsnRow& row, const vm::Insn& insn);
  void emit_divide_by_power(const vm::InsnRow& row, unsigned dst, std::uint32_t divisor);
  void emit_multiply_by_reciprocal32(const vm::InsnRow& row, unsigned dst, std::uint32_t divisor);
  void emit_multiply_by_reciprocal64(const vm::InsnRow& row, unsigned dst, std::uint32_t divisor);
  void emit_divide_by_r11(const vm::InsnRow& row, unsigned dst, bool may_be_zero);
  void emit_divide_minus_one(const vm::InsnRow& row, unsigned dst);
  void emit_divide_zero(const vm::InsnRow& row, unsigned dst);
  void emit_hardware_divide(const vm::InsnRow& row, unsigned dst);

  // emit_memory.cc
  void emit_load(std::uint32_t slot, const Xbyak::RegExp& base);
  void emit_load_bytes(unsigned dst, const Xbyak::RegExp& address, unsigned size);
  void emit_load_field(unsigned dst, const Reg64& base, std::int32_t displacement, unsigned size);
  void emit_load_maybe_context(const vm::Insn& insn);
  void emit_load_signed(std::uint32_t slot, const Xbyak::RegExp& base);
  void emit_store(const vm::InsnRow& row, const vm::Insn& insn, const Xbyak::RegExp& base);
  void emit_store_number(unsigned size, const Xbyak::RegExp& address, std::int32_t number);

  // emit_atomic.cc
  void emit_atomic(const vm::InsnRow& row, const vm::Insn& insn);
  void emit_fetch_loop(const vm::InsnRow& row, const vm::Insn& insn);

  // emit_jump.cc
  void emit_goto(std::uint32_t slot);
  void emit_branch(std::uint32_t slot);
  void emit_compare(const vm::InsnRow& row, const vm::Insn& insn);
  void emit_test(const vm::InsnRow& row, const vm::Insn& insn);
  [[nodiscard]] bool is_short(std::uint32_t slot) const;

  // emit_call.cc
  unsigned emit_call_helper(std::uint32_t slot);
  void emit_tail_call(const Op& op);
  void emit_tail_call_inline(const vm::ProgArrayView& view);
  void emit_enter_slot();
  void emit_call_local(const Op& op);

  // emit_lookup.cc
  // A branch on whether a look-up has found something, and moves that the compiler put before it.
  struct NullCheck {
    bool there = false;
    bool jumps_on_null = false;
    bool reads_value = true;  // the value's address is read behind the branch
    std::uint32_t first = 0;  // slot of the first move before it
    std::uint32_t slot = 0;   // its own
  };
  // A look-up's call that most of its runs do without: jumped to by `goal`, goes on at `resume`.
  struct RareLookup {
    const Op* op;
    std::uint32_t goal;
    std::uint32_t resume;  // another goal
    NullCheck check;
  };
  unsigned emit_lookup(std::uint32_t slot);
  [[nodiscard]] NullCheck null_check(std::uint32_t slot) const;
  [[nodiscard]] bool is_other_move(std::uint32_t slot) const;
  void emit_moves_before(const NullCheck& check);
  void emit_decided(const NullCheck& check, bool null);
  // Where the key of a look-up is: on the stack, or where rsi says.
  [[nodiscard]] Xbyak::RegExp key_of(const Op& op) const;
  void emit_lookup_call(const vm::Map& map);
  void emit_ipv4_lookup(const Op& op, const NullCheck& check);
  Xbyak::RegExp beside(const vm::LpmTrieView& view, const void* part);
  // Code of a function that is rarely run, behind the rest of it.
  void emit_rare();
  void emit_known_element(const Op& op, const NullCheck& check);
  void emit_array_lookup(const Op& op);
  void emit_add_cpu(const vm::PercpuArrayView& view);
  void emit_scale(const Reg64& index, std::uint32_t stride);
  Assembler::Ahead emit_scaled_index(const Op& op, std::uint32_t max_entries, std::uint32_t stride);

  // emit_callback.cc
  void emit_call_back(const Op& op);
  void emit_loop_rounds(int base);
  void emit_element_rounds(int base);

  [[nodiscard]] const vm::Insn& insn_at(std::uint32_t slot) const { return lowered_.program->insns[slot]; }
  [[nodiscard]] Xbyak::Reg reg(unsigned bpf, bool wide) const {
    return wide ? static_cast<Xbyak::Reg>(reg64(bpf)) : static_cast<Xbyak::Reg>(reg32(bpf));
  }
  // What is known of the upper halves of registers here: bit r set = zero. Forgotten at jump targets and calls.
  [[nodiscard]] bool upper_zero(unsigned bpf) const { return (upper_zero_ >> bpf & 1) != 0; }
  void set_upper_zero(unsigned bpf, bool zero) {
    const auto bit = static_cast<std::uint16_t>(1U << bpf);
    upper_zero_ = static_cast<std::uint16_t>(zero ? upper_zero_ | bit : upper_zero_ & ~bit);
  }

  const Lowered& lowered_;
  Features features_;
  const Code* previous_;
  PlainAllocator allocator_;
  Assembler a_;
  Code code_;
  const Function* function_ = nullptr;  // being emitted
  Layout layout_;
  std::uint16_t upper_zero_ = 0;
  std::vector<RareLookup> rare_;      // of the function being emitted
  std::vector<std::uint32_t> goals_;  // where jumps go: slots, then functions, callback_entry(), then rare look-ups'
};

}  // namespace sluice::jit::x86_64
