// Look-ups in maps whose form is known: inline, or calls without the helper around. A branch on whether something was
// found, when it comes next, is part of the look-up.
#include <bit>
#include <cstddef>

#include "jit/liveness.h"
#include "jit/x86_64/emitter.h"
#include "jit/x86_64/lookup.h"
#include "vm/exec_env.h"
#include "vm/maps/array_view.h"
#include "vm/maps/lpm_trie_view.h"
#include "vm/maps/map.h"
#include "vm/maps/percpu_array_view.h"

namespace sluice::jit::x86_64 {
namespace {

using Xbyak::util::dword;
using Xbyak::util::eax;
using Xbyak::util::edx;
using Xbyak::util::ptr;
using Xbyak::util::r10;
using Xbyak::util::r10d;
using Xbyak::util::r11;
using Xbyak::util::r11d;
using Xbyak::util::r12;
using Xbyak::util::r8;
using Xbyak::util::r9;
using Xbyak::util::rax;
using Xbyak::util::rbp;
using Xbyak::util::rdi;
using Xbyak::util::rsi;

// How a look-up is done that needs no helper.
enum class Lookup : std::uint8_t { kNone, kArray, kPercpuArray, kIpv4, kCall };

Lookup lookup_of(const Op& op, Features features) {
  if (op.helper == nullptr || op.helper->id != kMapLookupElem || op.map == nullptr) return Lookup::kNone;
  if (op.map->view() == nullptr) return Lookup::kNone;
  const vm::MapSpec& spec = op.map->spec();
  if (spec.type == vm::MapType::kArray) return Lookup::kArray;
  if (spec.type == vm::MapType::kPercpuArray) return Lookup::kPercpuArray;
  if (spec.type == vm::MapType::kLpmTrie && spec.key_size == 4 + 4) return Lookup::kIpv4;
  return lookup_function(*op.map, features) != nullptr ? Lookup::kCall : Lookup::kNone;
}

}  // namespace

std::uint16_t registers_read(const Op& op, Features features) {
  constexpr std::uint16_t kKey = 1U << 2;
  if (op.helper->id == kGetSmpProcessorId) return 0;
  switch (lookup_of(op, features)) {
    case Lookup::kNone: return kArguments;
    case Lookup::kCall: return kKey;
    case Lookup::kArray:
    case Lookup::kPercpuArray: return op.key >= 0 || op.key_at != 0 ? 0 : kKey;
    case Lookup::kIpv4: return op.key_at != 0 ? 0 : kKey;
  }
  return kArguments;
}

// Returns the slots done, 0 = it is another helper's call.
unsigned Emitter::emit_lookup(std::uint32_t slot) {
  const Op& op = lowered_.ops[slot];
  const NullCheck check = null_check(slot + 1);
  const unsigned done = check.there ? check.slot + 1 - slot : 1;
  switch (lookup_of(op, features_)) {
    case Lookup::kNone: return 0;
    case Lookup::kArray:
    case Lookup::kPercpuArray:
      if (op.key >= 0) {
        emit_known_element(op, check);
        return done;
      }
      emit_array_lookup(op);
      return 1;
    case Lookup::kIpv4: emit_ipv4_lookup(op, check); return done;
    case Lookup::kCall: emit_lookup_call(*op.map); return 1;
  }
  return 0;
}

// Whether the instruction at `slot` has nothing to do with r0 and may come before or behind a branch on it.
bool Emitter::is_other_move(std::uint32_t slot) const {
  const Op* const op = follower(slot);
  if (op == nullptr || op->row->kind != vm::Kind::kAlu || op->row->alu() != vm::AluOp::kMov) return false;
  const vm::Insn& insn = insn_at(slot);
  return insn.dst != 0 && (op->row->source == vm::Source::kImm || insn.src != 0);
}

// The branch on whether r0 is null that comes at `slot`, or after a few moves of other registers, if there is one.
Emitter::NullCheck Emitter::null_check(std::uint32_t slot) const {
  constexpr std::uint32_t kMostMoves = 2;
  const std::uint32_t first = slot;
  while (slot < first + kMostMoves && is_other_move(slot)) ++slot;
  const Op* const op = follower(slot);
  if (op == nullptr || op->row->kind != vm::Kind::kBranch || op->row->source != vm::Source::kImm || !op->row->wide) {
    return {};
  }
  const vm::Insn& insn = insn_at(slot);
  const bool equal = op->row->cond() == vm::Cond::kEq;
  if (insn.dst != 0 || insn.imm != 0 || (!equal && op->row->cond() != vm::Cond::kNe)) return {};
  return {.there = true, .jumps_on_null = equal, .reads_value = is_live(slot, 0), .first = first, .slot = slot};
}

// What stands between a look-up and its branch. Nothing is known of registers where that is translated again.
void Emitter::emit_moves_before(const NullCheck& check) {
  upper_zero_ = 0;
  for (std::uint32_t slot = check.first; slot < check.slot; ++slot) emit_insn(slot);
}

// Behind a look-up of which the answer is known to be null or not.
void Emitter::emit_decided(const NullCheck& check, bool null) {
  if (!check.there) return;
  emit_moves_before(check);
  if (check.jumps_on_null == null) emit_goto(check.slot);
}

Xbyak::RegExp Emitter::key_of(const Op& op) const { return op.key_at != 0 ? rbp + op.key_at : Xbyak::RegExp(rsi); }

// rsi = key.
void Emitter::emit_lookup_call(const vm::Map& map) {
  a_.load_address(rdi, reinterpret_cast<std::uint64_t>(map.view()));
  if (map.is_percpu()) a_.mov(edx, dword[r12 + offsetof(vm::ExecEnv, cpu)]);
  a_.call_address(reinterpret_cast<std::uint64_t>(lookup_function(map, features_)));
}

// What the first load of a look-up of all 32 bits answers, without a call: each look-up waits for memory, and the fewer
// instructions it has the more of them the CPU has under way. What is read of the view here never changes.
void Emitter::emit_ipv4_lookup(const Op& op, const NullCheck& check) {
  constexpr std::uint32_t kAllBits = 32;
  const auto& view = *static_cast<const vm::LpmTrieView*>(op.map->view());
  const auto goal = static_cast<std::uint32_t>(goals_.size());
  goals_.resize(goals_.size() + 2);
  rare_.push_back({&op, goal, goal + 1, check});
  if (op.key != kAllBits) {
    a_.cmp(dword[key_of(op)], kAllBits);
    a_.jump_to(Flag::kNotEqual, goal, false);
  }
  a_.mov(eax, dword[key_of(op) + 4]);
  a_.bswap(eax);
  a_.shr(eax, static_cast<int>(view.first_shift));
  a_.load_address(r11, reinterpret_cast<std::uint64_t>(&view));
  a_.mov(eax, dword[beside(view, view.first) + rax * 4]);
  static_assert(vm::kLpmWalk == 1U << 31, "what is not a prefix is 0 or negative");
  a_.test(eax, eax);
  a_.jump_to(Flag::kLessEqual, goal, false);
  if (!check.there || check.reads_value) {
    const bool scaled = view.value_stride == 8;
    if (!scaled) emit_scale(rax, view.value_stride);
    const Xbyak::RegExp values = beside(view, view.values);
    a_.lea(rax, ptr[scaled ? values + rax * 8 : values + rax]);
  }
  emit_decided(check, false);
  goals_[goal + 1] = static_cast<std::uint32_t>(a_.getSize());
}

// Where a part of a trie is: seen from its view, whose address r11 holds, or at r8, which gets its address.
Xbyak::RegExp Emitter::beside(const vm::LpmTrieView& view, const void* part) {
  const auto address = reinterpret_cast<std::uint64_t>(part);
  const auto distance = static_cast<std::int64_t>(address - reinterpret_cast<std::uint64_t>(&view));
  if (distance == static_cast<std::int32_t>(distance)) return r11 + static_cast<int>(distance);
  a_.load_address(r8, address);
  return {r8};
}

void Emitter::emit_rare() {
  for (const RareLookup& lookup : rare_) {
    goals_[lookup.goal] = static_cast<std::uint32_t>(a_.getSize());
    if (lookup.op->key_at != 0) a_.lea(rsi, ptr[key_of(*lookup.op)]);
    emit_lookup_call(*lookup.op->map);
    if (lookup.check.there) {
      emit_moves_before(lookup.check);
      a_.test(rax, rax);
      const Flag jumps = lookup.check.jumps_on_null ? Flag::kEqual : Flag::kNotEqual;
      a_.jump_to(jumps, lowered_.ops[lookup.check.slot].target, false);
    }
    a_.jump_to(lookup.resume, false);
  }
  rare_.clear();
}

// The element of an array whose key is a number.
void Emitter::emit_known_element(const Op& op, const NullCheck& check) {
  const auto key = static_cast<std::uint64_t>(op.key);
  const bool is_null = key >= op.map->spec().max_entries;
  if (check.there && !check.reads_value) {
    // Nobody asks for more than whether it is there.
  } else if (is_null) {
    a_.xor_(eax, eax);
  } else if (op.map->spec().type == vm::MapType::kArray) {
    const auto& view = *static_cast<const vm::ArrayView*>(op.map->view());
    a_.load_address(rax, reinterpret_cast<std::uint64_t>(view.values) + key * view.stride);
  } else {
    const auto& view = *static_cast<const vm::PercpuArrayView*>(op.map->view());
    a_.load_address(rax, reinterpret_cast<std::uint64_t>(view.values) + key * view.stride);
    emit_add_cpu(view);
  }
  emit_decided(check, is_null);
}

void Emitter::emit_array_lookup(const Op& op) {
  const auto emit = [&](const auto& view, auto&& finish) {
    const Assembler::Ahead outside = emit_scaled_index(op, view.max_entries, view.stride);
    a_.load_address(rax, reinterpret_cast<std::uint64_t>(view.values));
    a_.add(rax, r11);
    finish(view);
    a_.land(outside);
  };
  if (op.map->spec().type == vm::MapType::kArray) {
    emit(*static_cast<const vm::ArrayView*>(op.map->view()), [](const vm::ArrayView&) {});
  } else {
    emit(*static_cast<const vm::PercpuArrayView*>(op.map->view()),
         [this](const vm::PercpuArrayView& view) { emit_add_cpu(view); });
  }
}

// rax += where the values of the CPU start.
void Emitter::emit_add_cpu(const vm::PercpuArrayView& view) {
  a_.mov(r10d, dword[r12 + offsetof(vm::ExecEnv, cpu)]);
  if (view.cpu_stride <= 0x7fffffff) {
    a_.imul(r10, r10, static_cast<int>(view.cpu_stride));
  } else {
    a_.mov(r9, view.cpu_stride);
    a_.imul(r10, r9);
  }
  a_.add(rax, r10);
}

// r11 = the key times `stride`. Out of range rax is null and the jump is taken.
Assembler::Ahead Emitter::emit_scaled_index(const Op& op, std::uint32_t max_entries, std::uint32_t stride) {
  a_.mov(r11d, dword[key_of(op)]);
  a_.xor_(eax, eax);
  a_.cmp(r11d, max_entries);
  const Assembler::Ahead outside = a_.jump_ahead(Flag::kAboveEqual);
  emit_scale(r11, stride);
  return outside;
}

// An index, all 64 bits of it, times the bytes between elements.
void Emitter::emit_scale(const Reg64& index, std::uint32_t stride) {
  if (std::has_single_bit(stride)) {
    a_.shl(index, std::countr_zero(stride));
  } else {
    a_.imul(index, index, static_cast<int>(stride));
  }
}

}  // namespace sluice::jit::x86_64
