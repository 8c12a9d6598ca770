#include "jit/lower.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "jit/constant_keys.h"
#include "vm/ctx_fields.h"
#include "vm/maps/map.h"

namespace sluice::jit {
namespace {

constexpr std::uint16_t kPreserved = 0x3c0;  // r6..r9 live through a local call

class Lowering {
 public:
  Lowering(const vm::VerifiedProgram& verified, const vm::HelperTable& helpers)
      : program_(verified.program()), facts_(verified.facts()), helpers_(helpers) {}

  Result<Lowered> run() {
    out_.program = &program_;
    out_.ops.resize(program_.insns.size());
    split_functions();
    for (std::size_t f = 0; f < out_.functions.size(); ++f) {
      const Result<void> done = lower_function(f);
      if (!done) return Error(done.error());
    }
    spread_clobbers();
    find_constant_keys(facts_, out_);
    return std::move(out_);
  }

 private:
  [[nodiscard]] Error refuse(std::uint32_t slot, const std::string& why) const {
    return {ErrorCode::kProgram, "program '" + program_.name + "': instruction " + std::to_string(slot) + ": " + why};
  }
  // What the verifier said of a slot, or nothing.
  [[nodiscard]] vm::InsnFacts facts_of(std::uint32_t slot) const {
    if (slot < facts_.insns.size()) return facts_.insns[slot];
    vm::InsnFacts nothing;
    nothing.reachable = true;
    return nothing;
  }

  void split_functions();
  Result<void> lower_function(std::size_t index);
  Result<void> lower_insn(Function& function, std::uint32_t slot);
  Result<void> lower_load(Op& op, std::uint32_t slot);
  Result<void> lower_imm64(Op& op, std::uint32_t slot);
  Result<void> lower_jump(const Function& function, Op& op, std::uint32_t slot);
  Result<void> lower_helper_call(Function& function, Op& op, std::uint32_t slot);
  Result<void> find_function(Op& op, std::uint32_t slot);
  Result<void> lower_local_call(Function& function, Op& op, std::uint32_t slot);
  void spread_clobbers();

  const vm::LoadedProgram& program_;
  const vm::Facts& facts_;
  const vm::HelperTable& helpers_;
  Lowered out_;
};

void Lowering::split_functions() {
  const auto slots = static_cast<std::uint32_t>(program_.insns.size());
  const std::size_t count = std::max<std::size_t>(program_.subprograms.size(), 1);
  for (std::size_t i = 0; i < count; ++i) {
    Function f;
    f.start = i == 0 ? 0 : program_.subprograms[i].start;
    f.end = i + 1 < count ? program_.subprograms[i + 1].start : slots;
    f.stack_bytes = vm::kStackBytes;
    if (i < facts_.frame_bytes.size()) f.stack_bytes = std::min((facts_.frame_bytes[i] + 7) & ~7U, vm::kStackBytes);
    f.clear = i < facts_.slots_to_clear.size() ? facts_.slots_to_clear[i] : ~std::uint64_t{0};
    if (f.stack_bytes < vm::kStackBytes) f.clear &= (std::uint64_t{1} << (f.stack_bytes / 8)) - 1;
    out_.functions.push_back(f);
  }
}

Result<void> Lowering::lower_function(std::size_t index) {
  Function& f = out_.functions[index];
  if (f.start >= f.end || f.end > program_.insns.size()) return refuse(f.start, "an empty sub-program");
  bool falls_out = true;
  for (std::uint32_t slot = f.start; slot < f.end;) {
    Op& op = out_.ops[slot];
    op.reachable = facts_of(slot).reachable;
    const vm::InsnRow* row = vm::find(program_.insns[slot]);
    const bool is_pair = row != nullptr && row->kind == vm::Kind::kLoadImm64;
    if (op.reachable) {
      if (row == nullptr) return refuse(slot, "not an instruction of RFC 9669");
      if (is_pair && slot + 1 >= f.end) return refuse(slot, "half an lddw");
      op.row = row;
      const Result<void> done = lower_insn(f, slot);
      if (!done) return Error(done.error());
    }
    falls_out = op.reachable && row->kind != vm::Kind::kExit && row->kind != vm::Kind::kGoto;
    slot += is_pair ? 2 : 1;
  }
  if (falls_out) return refuse(f.end - 1, "control runs off the end of the sub-program");
  // Only a frame that is addressed needs to exist.
  if ((f.used & (1U << vm::kFrameRegister)) == 0) {
    f.stack_bytes = 0;
    f.clear = 0;
  }
  return {};
}

Result<void> Lowering::lower_insn(Function& function, std::uint32_t slot) {
  Op& op = out_.ops[slot];
  const vm::Insn& insn = program_.insns[slot];
  if (insn.dst >= vm::kRegisters || insn.src >= vm::kRegisters) return refuse(slot, "a register above r10");
  const bool names_src = op.row->src.mode == vm::FieldRule::Mode::kOperand;
  if (op.row->dst.mode == vm::FieldRule::Mode::kOperand) function.used |= static_cast<std::uint16_t>(1U << insn.dst);
  if (names_src) function.used |= static_cast<std::uint16_t>(1U << insn.src);
  switch (op.row->kind) {
    case vm::Kind::kAlu:
    case vm::Kind::kEndian:
    case vm::Kind::kStore:
    case vm::Kind::kStoreImm:
    case vm::Kind::kAtomic:
    case vm::Kind::kExit: return {};
    case vm::Kind::kLoad:
    case vm::Kind::kLoadSigned: return lower_load(op, slot);
    case vm::Kind::kLoadImm64: return lower_imm64(op, slot);
    case vm::Kind::kGoto:
    case vm::Kind::kBranch: return lower_jump(function, op, slot);
    case vm::Kind::kCallHelper: return lower_helper_call(function, op, slot);
    case vm::Kind::kCallLocal: return lower_local_call(function, op, slot);
    case vm::Kind::kCallKernel: return refuse(slot, "calls a kernel function");
    case vm::Kind::kLegacyLoad: return refuse(slot, "is a legacy packet load");
  }
  return refuse(slot, "an instruction of unknown kind");
}

Result<void> Lowering::lower_load(Op& op, std::uint32_t slot) {
  if (program_.type->context != vm::ContextKind::kXdp) return {};
  const vm::InsnFacts facts = facts_of(slot);
  if (facts.region == vm::Region::kUnknown) {
    if (op.row->size == 4) op.access = Access::kMaybeContext;
    return {};
  }
  if (facts.region != vm::Region::kContext) return {};
  op.field = vm::context_field(*program_.type, facts.min_offset);
  if (op.field == nullptr || facts.min_offset != facts.max_offset || op.row->size != 4) {
    return refuse(slot, "a load of the context that is no field");
  }
  op.access = Access::kContext;
  return {};
}

Result<void> Lowering::lower_imm64(Op& op, std::uint32_t slot) {
  const vm::Insn* pair = &program_.insns[slot];
  const auto kind = static_cast<vm::Imm64>(pair->src);
  if (kind == vm::Imm64::kNumber) {
    op.imm = vm::imm64(pair);
    return {};
  }
  if (kind == vm::Imm64::kCode) return find_function(op, slot);
  const bool is_map = kind == vm::Imm64::kMap || kind == vm::Imm64::kMapIndex;
  if (!is_map && kind != vm::Imm64::kMapValue && kind != vm::Imm64::kMapIndexValue) {
    return refuse(slot, "names a kernel variable");
  }
  const auto index = static_cast<std::uint32_t>(pair[0].imm);
  if (index >= program_.maps.size()) return refuse(slot, "no such map");
  vm::Map& map = *program_.maps[index];
  if (is_map) {
    op.imm = reinterpret_cast<std::uint64_t>(&map);
    return {};
  }
  const std::byte first[8] = {};
  std::byte* const value = map.spec().key_size <= sizeof first ? map.lookup(first, 0) : nullptr;
  if (value == nullptr) return refuse(slot, "the map has no value that could be addressed");
  op.imm = reinterpret_cast<std::uint64_t>(value) + static_cast<std::uint32_t>(pair[1].imm);
  return {};
}

Result<void> Lowering::lower_jump(const Function& function, Op& op, std::uint32_t slot) {
  const std::int64_t target = std::int64_t{slot} + 1 + vm::jump_distance(*op.row, program_.insns[slot]);
  if (target < function.start || target >= function.end) return refuse(slot, "a jump out of its sub-program");
  op.target = static_cast<std::uint32_t>(target);
  out_.ops[op.target].leader = true;
  return {};
}

Result<void> Lowering::lower_helper_call(Function& function, Op& op, std::uint32_t slot) {
  const std::int32_t id = program_.insns[slot].imm;
  op.helper = helpers_.find(id);
  if (op.helper == nullptr) return refuse(slot, "calls a helper that is not there: " + std::to_string(id));
  function.calls = true;
  if (op.helper->effect == vm::Effect::kTailCall) {
    if (program_.type->context != vm::ContextKind::kXdp) return refuse(slot, "a tail call without a frame");
    function.tail_calls = true;
  } else if (op.helper->effect == vm::Effect::kCallback) {
    function.calls_back = true;
    function.saved = kPreserved;  // whatever is called
  } else if (op.helper->effect == vm::Effect::kSetCallback) {
    out_.sets_callbacks = true;
  } else if (op.helper->fn == nullptr) {
    return refuse(slot, "helper " + std::to_string(id) + " has no implementation");
  }
  const vm::InsnFacts facts = facts_of(slot);
  if (facts.map >= 0 && static_cast<std::size_t>(facts.map) < program_.maps.size()) {
    op.map = program_.maps[static_cast<std::size_t>(facts.map)].get();
  }
  op.key = facts.key_constant;
  return {};
}

Result<void> Lowering::lower_local_call(Function& function, Op& op, std::uint32_t slot) {
  function.calls = true;
  return find_function(op, slot);
}

Result<void> Lowering::find_function(Op& op, std::uint32_t slot) {
  const std::int64_t target = std::int64_t{slot} + 1 + program_.insns[slot].imm;
  const auto found = std::ranges::lower_bound(out_.functions, target, {}, &Function::start);
  if (found == out_.functions.end() || found->start != target) return refuse(slot, "a call into no sub-program");
  op.target = static_cast<std::uint32_t>(found - out_.functions.begin());
  return {};
}

// A function changes what it uses and what its callees change; one that makes tail calls may change all, as nobody
// knows where it goes. Repeated until nothing grows: there may be any number of levels.
void Lowering::spread_clobbers() {
  for (Function& f : out_.functions) {
    f.clobbers = f.tail_calls || f.calls_back ? kPreserved : f.used & kPreserved;
    f.saved &= f.used;
  }
  for (bool grew = true; grew;) {
    grew = false;
    for (Function& f : out_.functions) {
      for (std::uint32_t slot = f.start; slot < f.end; ++slot) {
        const Op& op = out_.ops[slot];
        if (op.row == nullptr || op.row->kind != vm::Kind::kCallLocal) continue;
        const std::uint16_t theirs = out_.functions[op.target].clobbers;
        grew = grew || (theirs & ~f.clobbers) != 0;
        f.clobbers |= theirs;
        f.saved |= theirs & f.used;
      }
    }
  }
}

}  // namespace

Result<Lowered> lower(const vm::VerifiedProgram& program, const vm::HelperTable& helpers) {
  return Lowering(program, helpers).run();
}

}  // namespace sluice::jit
