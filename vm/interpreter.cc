#include "vm/interpreter.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <type_traits>

#include <fmt/format.h>

#include "vm/alu.h"
#include "vm/ctx_fields.h"
#include "vm/interpreter_checks.h"
#include "vm/maps/map.h"
#include "vm/memory_ops.h"
#include "vm/step_observer.h"
#include "vm/timers.h"

namespace sluice::vm {
namespace {

using u64 = std::uint64_t;

// A program's own call chain has at most 8 frames and 512 bytes of stack. A sub-program may tail-call, and its target
// starts a chain of its own on top of the callers that still wait: that can happen kMaxTailCalls times.
constexpr unsigned kMostFrames = kMaxCallFrames + kMaxTailCalls * (kMaxCallFrames - 1);
constexpr std::size_t kMostStack = std::size_t{kStackBytes} * (kMaxTailCalls + 1);
// What registers hold in checked mode after a call took their values: no pointer, no small number.
constexpr u64 kScratched = 0xdead'beef'0bad'f00d;

constexpr u64 error_number(int error) { return static_cast<u64>(-std::int64_t{error}); }

// TimerCallback::Enter of functions that are interpreted.
void enter_callback(u64 map, u64 key, u64 value, ExecEnv* env, const TimerCallback* callback) noexcept {
  interpret_callback(*static_cast<const VerifiedProgram*>(callback->program),
                     static_cast<std::uint32_t>(callback->function), {map, key, value}, *env,
                     *static_cast<const HelperTable*>(callback->helpers));
}

struct NoChecker {
  NoChecker(const XdpContext*, MemoryContext) {}
};

template <bool kChecked>
class Machine {
 public:
  Machine(const VerifiedProgram& program, XdpContext* frame, MemoryContext memory, ExecEnv& env,
          const HelperTable& helpers, const InterpreterOptions& options)
      : entry_(program),
        program_(&program),
        frame_(frame),
        env_(env),
        helpers_(helpers),
        memory_(memory),
        options_(options),
        checker_(frame, memory) {}

  RunResult run(u64 r1, u64 r2) {
    regs_.fill(kScratched);
    regs_[1] = r1;
    regs_[2] = r2;
    return run_from(0);
  }

  // (map, key, value)
  RunResult run_callback(std::uint32_t slot, const std::array<u64, 3>& arguments) {
    regs_.fill(kScratched);
    std::ranges::copy(arguments, regs_.begin() + 1);
    if constexpr (kChecked) {
      const Map& map = *reinterpret_cast<const Map*>(arguments[0]);
      checker_.own_key(reinterpret_cast<const std::byte*>(arguments[1]), map.spec().key_size);
      checker_.own_value(reinterpret_cast<const std::byte*>(arguments[2]), map);
    }
    return run_from(slot);
  }

 private:
  RunResult run_from(std::uint32_t slot) {
    env_.frame = frame_;
    frames_[0].is_main = true;
    frames_[0].is_callback = false;
    bool going = enter(slot);
    while (going) going = step();
    return {.r0 = regs_[0], .insns = insns_, .fault = std::move(fault_)};
  }

  // One call: what comes back when it exits, and where its stack starts.
  struct Frame {
    const VerifiedProgram* return_program;
    std::uint32_t return_slot;
    bool is_main;              // of a whole program, not of a sub-program
    std::size_t stack_start;   // index into stack_
    std::array<u64, 5> saved;  // r6..r10
    bool is_callback;          // of a helper that `rounds` of the frame below is about
  };
  // A helper that calls back: what it was given and how far it is. There is one at most in each frame.
  struct Rounds {
    CallbackKind kind;
    std::uint32_t function;  // slot
    u64 first;               // kLoop: rounds to make; kForEach: the map
    u64 context;
    u64 done;
    MapCursor cursor;
  };

  // Stops the run. In checked mode that is a Fault, else a program that was never verified: it returns 0.
  bool stop(std::string_view what) {
    regs_[0] = 0;
    if constexpr (kChecked) fault_ = Fault{program_->name(), current_, std::string(what)};
    return false;
  }
  bool checked(bool fine) {
    if constexpr (kChecked) {
      if (!fine) return stop(checker_.what());
    }
    return fine;
  }
  void scratch(unsigned first, unsigned last) {
    if constexpr (kChecked) {
      for (unsigned i = first; i <= last; ++i) regs_[i] = kScratched;
    }
  }

  bool step() {
    const std::vector<Insn>& insns = program_->program().insns;
    current_ = slot_;
    if constexpr (kChecked) {
      if (current_ >= insns.size()) return stop("runs past the end of the program");
      if (insns_ >= options_.max_insns) return stop("does not end");
      checker_.at(*program_, current_);
      if (!checked(checker_.instruction(regs_))) return false;
      if (options_.steps != nullptr && !observed()) return false;
    }
    const Insn& insn = insns[current_];
    const InsnRow* const row = find(insn);
    if (row == nullptr) return stop("is no instruction");
    ++insns_;
    if (options_.coverage != nullptr && program_ == &entry_) ++(*options_.coverage)[current_];
    slot_ += slots(*row);
    return execute(*row, insn);
  }

  // Shows the machine to the observer. Only in checked mode.
  bool observed() {
    if constexpr (kChecked) {
      unsigned first = depth_;
      while (!frames_[first].is_main) --first;
      std::vector<MachineView::Frame> frames(depth_ - first + 1);
      frames.back().regs = regs_;
      for (unsigned i = first; i < depth_; ++i) {
        const Frame& callee = frames_[i + 1];
        std::copy(callee.saved.begin(), callee.saved.end(), frames[i - first].regs.begin() + 6);
        frames[i - first + 1].call_site = callee.return_slot - 1;
        if (callee.is_callback) {  // the helper's arguments are kept until it ends
          const Rounds& rounds = rounds_[i];
          std::copy_n(std::array{rounds.first, u64{rounds.function}, rounds.context, u64{0}}.begin(), 4,
                      frames[i - first].regs.begin() + 1);
        }
      }
      std::string what = options_.steps->step({.program = *program_,
                                               .slot = current_,
                                               .frames = frames,
                                               .frame = frame_,
                                               .memory = memory_,
                                               .owned = checker_});
      if (!what.empty()) return stop(what);
    }
    return true;
  }

  bool execute(const InsnRow& row, const Insn& insn) {
    switch (row.kind) {
      case Kind::kAlu: return arithmetic(row, insn);
      case Kind::kEndian: return write(row, insn, endian(row.endian(), regs_[insn.dst], row.size));
      case Kind::kLoad:
      case Kind::kLoadSigned: return load(row, insn);
      case Kind::kStore: return store(row, insn, regs_[insn.src]);
      case Kind::kStoreImm: return store(row, insn, static_cast<u64>(std::int64_t{insn.imm}));
      case Kind::kAtomic: return atomic(row, insn);
      case Kind::kLoadImm64: return load_imm64(row, insn);
      case Kind::kGoto: return jump(jump_distance(row, insn));
      case Kind::kBranch: return conditional(branch(row, insn), jump_distance(row, insn));
      case Kind::kCallHelper: return call_helper(insn);
      case Kind::kCallLocal: return call_local(insn);
      case Kind::kCallKernel: return stop("calls a kernel function");
      case Kind::kExit: return leave();
      case Kind::kLegacyLoad: return stop("is a legacy packet load");
    }
    return stop("is no instruction");
  }

  u64 operand(const InsnRow& row, const Insn& insn) const {
    return row.source == Source::kReg ? regs_[insn.src] : static_cast<u64>(std::int64_t{insn.imm});
  }

  bool write(const InsnRow& row, const Insn& insn, u64 value) {
    regs_[insn.dst] = value;
    if constexpr (kChecked) return checked(checker_.result(row, value));
    return true;
  }

  bool arithmetic(const InsnRow& row, const Insn& insn) {
    const u64 source = operand(row, insn);
    const u64 dst = regs_[insn.dst];
    return write(
        row, insn,
        row.wide ? alu<u64>(row.alu(), dst, source)
                 : alu<std::uint32_t>(row.alu(), static_cast<std::uint32_t>(dst), static_cast<std::uint32_t>(source)));
  }

  bool branch(const InsnRow& row, const Insn& insn) const {
    const u64 source = operand(row, insn);
    const u64 dst = regs_[insn.dst];
    return row.wide ? compare<u64>(row.cond(), dst, source)
                    : compare<std::uint32_t>(row.cond(), static_cast<std::uint32_t>(dst),
                                             static_cast<std::uint32_t>(source));
  }

  bool jump(std::int32_t distance) {
    slot_ += static_cast<std::uint32_t>(distance);
    return true;
  }

  bool conditional(bool taken, std::int32_t distance) {
    if (options_.branches != nullptr && program_ == &entry_) {
      BranchCount& count = (*options_.branches)[current_];
      ++(taken ? count.taken : count.not_taken);
    }
    return taken ? jump(distance) : true;
  }

  bool load(const InsnRow& row, const Insn& insn) {
    const u64 address = regs_[insn.src] + static_cast<u64>(std::int64_t{insn.offset});
    const u64 into_context = address - reinterpret_cast<u64>(frame_);
    if (frame_ != nullptr && into_context < kXdpMdBytes) return load_context(row, insn, into_context);
    if constexpr (kChecked) {
      if (!checked(checker_.access(address, row.size, Checker::Access::kRead))) return false;
    }
    const u64 value = load_bytes(address, row.size);
    return write(row, insn, row.kind == Kind::kLoadSigned ? sign_extend(value, row.size) : value);
  }

  bool load_context(const InsnRow& row, const Insn& insn, u64 offset) {
    const ContextField* const field = context_field(*program_->program().type, static_cast<std::int64_t>(offset));
    if constexpr (kChecked) {
      if (!checked(checker_.context_load(field, offset, row.size))) return false;
    }
    if (field == nullptr) return stop("reads a context field that is not there");
    const u64 value = load_bytes(reinterpret_cast<u64>(frame_) + field->native_offset, field->native_size);
    const bool extend = row.kind == Kind::kLoadSigned && field->kind == FieldKind::kScalar32;
    regs_[insn.dst] = extend ? sign_extend(value, 4) : value;
    return true;
  }

  bool store(const InsnRow& row, const Insn& insn, u64 value) {
    const u64 address = regs_[insn.dst] + static_cast<u64>(std::int64_t{insn.offset});
    if constexpr (kChecked) {
      if (!checked(checker_.access(address, row.size, Checker::Access::kWrite))) return false;
    }
    store_bytes(address, value, row.size);
    return true;
  }

  bool atomic(const InsnRow& row, const Insn& insn) {
    const u64 address = regs_[insn.dst] + static_cast<u64>(std::int64_t{insn.offset});
    if constexpr (kChecked) {
      if (!checked(checker_.atomic(address, row.size))) return false;
    }
    const auto update = [&]<typename U>(U) -> u64 {
      return atomic_update<U>(row.atomic(), reinterpret_cast<U*>(address), static_cast<U>(regs_[insn.src]),
                              static_cast<U>(regs_[0]));
    };
    const u64 old = row.size == 8 ? update(u64{}) : update(std::uint32_t{});
    if (row.atomic() == AtomicOp::kCompareExchange) {
      regs_[0] = old;
    } else if (row.atomic() >= AtomicOp::kFetchAdd) {
      regs_[insn.src] = old;
    }
    return true;
  }

  bool load_imm64(const InsnRow& row, const Insn& insn) {
    const Insn* const pair = &insn;
    switch (static_cast<Imm64>(row.op)) {
      case Imm64::kNumber: regs_[insn.dst] = imm64(pair); return true;
      case Imm64::kMap:
      case Imm64::kMapIndex: {
        Map* const map = program_map(insn.imm);
        if (map == nullptr) return stop("names a map that is not there");
        regs_[insn.dst] = reinterpret_cast<u64>(map);
        return true;
      }
      case Imm64::kMapValue:
      case Imm64::kMapIndexValue: return load_map_value(insn, static_cast<std::uint32_t>(pair[1].imm));
      case Imm64::kCode: regs_[insn.dst] = slot_ - 1 + static_cast<u64>(std::int64_t{insn.imm}); return true;
      case Imm64::kVariable: return stop("names a kernel variable");
    }
    return stop("is no instruction");
  }

  Map* program_map(std::int32_t index) const {
    const auto& maps = program_->program().maps;
    return index >= 0 && static_cast<std::size_t>(index) < maps.size() ? maps[static_cast<std::size_t>(index)].get()
                                                                       : nullptr;
  }

  bool load_map_value(const Insn& insn, std::uint32_t offset) {
    Map* const map = program_map(insn.imm);
    constexpr std::array<std::byte, 8> kFirstKey{};
    std::byte* const value =
        map != nullptr && map->spec().key_size <= kFirstKey.size() ? map->lookup(kFirstKey.data(), env_.cpu) : nullptr;
    if (value == nullptr) return stop("names the value of a map that has none");
    if constexpr (kChecked) checker_.own_value(value, *map);
    regs_[insn.dst] = reinterpret_cast<u64>(value) + offset;
    return true;
  }

  bool call_helper(const Insn& insn) {
    const HelperDesc* const helper = helpers_.find(insn.imm);
    if (helper == nullptr) return stop("calls a helper that is not there");
    if constexpr (kChecked) {
      if (!checked(checker_.helper_arguments(*helper, regs_))) return false;
    }
    if (helper->effect == Effect::kTailCall) return tail_call();
    if (helper->effect == Effect::kCallback) return call_back(*helper);
    if (helper->effect == Effect::kSetCallback) {
      regs_[3] = reinterpret_cast<u64>(&enter_callback);
      regs_[4] = reinterpret_cast<u64>(program_);
      regs_[5] = reinterpret_cast<u64>(&helpers_);
    }
    const u64 result = helper->fn(regs_[1], regs_[2], regs_[3], regs_[4], regs_[5], env_);
    if constexpr (kChecked) {
      if (helper->ret == RetKind::kMapValueOrNull && result != 0) {
        checker_.own_result(result, *checker_.map_at(map_argument(*helper)));
      }
      if (helper->ret == RetKind::kRecordOrNull && result != 0) checker_.own_record(result, regs_[2]);
      const bool socket = helper->ret == RetKind::kSocketOrNull || helper->ret == RetKind::kSocketCommonOrNull;
      if (socket && result != 0) checker_.own_socket(result);
      if (helper->effect == Effect::kRelease) checker_.give_back(regs_[1]);
    }
    regs_[0] = result;
    scratch(1, 5);
    return true;
  }

  u64 map_argument(const HelperDesc& helper) const {
    for (unsigned i = 0; i < helper.args.size(); ++i) {
      if (helper.args[i] == ArgKind::kConstMap) return regs_[1 + i];
    }
    return 0;
  }

  // On success the target runs in place of the frame that asked; on failure the next instruction does.
  bool tail_call() {
    const auto& array = *static_cast<const ProgArray*>(reinterpret_cast<Map*>(regs_[2]));
    const auto index = static_cast<std::uint32_t>(regs_[3]);
    scratch(1, 5);
    if (frame_ == nullptr || index >= array.spec().max_entries) {
      regs_[0] = error_number(EINVAL);
      return true;
    }
    if (frame_->depth >= kMaxTailCalls) {
      regs_[0] = error_number(ELOOP);
      return true;
    }
    const ProgramSlot* const target = array.slot(index);
    if (target == nullptr || target->program == nullptr) {
      regs_[0] = error_number(ENOENT);
      return true;
    }
    frame_->path[++frame_->depth] = target->stage;
    program_ = target->program;
    slot_ = 0;
    regs_[1] = reinterpret_cast<u64>(frame_);
    scratch(0, 0);
    scratch(6, 9);
    stack_used_ = frames_[depth_].stack_start;
    frames_[depth_].is_main = true;
    if constexpr (kChecked) checker_.leave_frame();
    return make_stack(0);
  }

  bool call_local(const Insn& insn) { return call_function(slot_ + static_cast<std::uint32_t>(insn.imm)); }

  bool call_function(std::uint32_t target) {
    if (depth_ + 1 >= kMostFrames) return stop("calls too deeply");
    Frame& frame = frames_[++depth_];
    frame.return_program = program_;
    frame.return_slot = slot_;
    frame.is_main = false;
    frame.is_callback = false;
    for (unsigned i = 0; i < frame.saved.size(); ++i) frame.saved[i] = regs_[6 + i];
    scratch(0, 0);
    scratch(6, 9);
    return enter(target);
  }

  // r1: how often or the map, r2: the function, r3: its context, r4: flags.
  bool call_back(const HelperDesc& helper) {
    const u64 first = regs_[1];
    const u64 flags = regs_[4];
    Rounds& rounds = rounds_[depth_];
    rounds = {helper.callback, static_cast<std::uint32_t>(regs_[2]), first, regs_[3], 0, {}};
    if (flags != 0) return rounds_end(error_number(EINVAL));
    if (helper.callback == CallbackKind::kLoop && first > kMaxLoops) return rounds_end(error_number(E2BIG));
    return next_round();
  }

  bool next_round() {
    Rounds& rounds = rounds_[depth_];
    std::array<u64, 4> arguments{};
    if (rounds.kind == CallbackKind::kLoop) {
      if (rounds.done == rounds.first) return rounds_end(rounds.done);
      arguments = {rounds.done++, rounds.context};
    } else {
      auto& map = *reinterpret_cast<Map*>(rounds.first);
      if (!map.next_element(rounds.cursor, env_.cpu)) return rounds_end(rounds.cursor.seen);
      if constexpr (kChecked) {
        checker_.own_value(rounds.cursor.value, map);
        checker_.own_key(rounds.cursor.key, map.spec().key_size);
      }
      arguments = {rounds.first, reinterpret_cast<u64>(rounds.cursor.key), reinterpret_cast<u64>(rounds.cursor.value),
                   rounds.context};
    }
    if (!call_function(rounds.function)) return false;
    frames_[depth_].is_callback = true;
    scratch(1, 5);
    const unsigned given = rounds.kind == CallbackKind::kLoop ? 2 : 4;
    for (unsigned i = 0; i < given; ++i) regs_[1 + i] = arguments[i];
    return true;
  }

  // A callback has returned: r0 says whether there shall be more.
  bool end_round() {
    const Rounds& rounds = rounds_[depth_];
    if (regs_[0] == 0) return next_round();
    return rounds_end(rounds.kind == CallbackKind::kLoop ? rounds.done : rounds.cursor.seen);
  }

  bool rounds_end(u64 result) {
    regs_[0] = result;
    scratch(1, 5);
    return true;
  }

  // Starts the sub-program at `target` in frames_[depth_].
  bool enter(std::uint32_t target) {
    slot_ = target;
    frames_[depth_].stack_start = stack_used_;
    return make_stack(program_->program().subprogram_at(target));
  }

  bool make_stack(std::size_t subprogram) {
    const Facts& facts = program_->facts();
    const std::uint32_t bytes =
        subprogram < facts.frame_bytes.size() ? facts.frame_bytes[subprogram] : std::uint32_t{kStackBytes};
    const u64 cleared = subprogram < facts.slots_to_clear.size() ? facts.slots_to_clear[subprogram] : 0;
    if (bytes > kStackBytes || bytes % 8 != 0 || bytes > kMostStack - stack_used_) return stop("needs too much stack");
    stack_used_ += bytes;
    std::byte* const top = stack_.data() + stack_used_;
    for (unsigned slot = 0; slot < bytes / 8; ++slot) {
      if (((cleared >> slot) & 1) != 0) std::memset(top - 8 * (slot + 1), 0, 8);
    }
    regs_[kFrameRegister] = reinterpret_cast<u64>(top);
    if constexpr (kChecked) checker_.enter_frame(top, bytes, cleared);
    return true;
  }

  bool leave() {
    const Frame& frame = frames_[depth_];
    if constexpr (kChecked) {
      if (frame.is_main && !checked(checker_.verdict(regs_[0]))) return false;
      checker_.leave_frame();
    }
    if (depth_ == 0) return false;
    program_ = frame.return_program;
    slot_ = frame.return_slot;
    stack_used_ = frame.stack_start;
    for (unsigned i = 0; i < frame.saved.size(); ++i) regs_[6 + i] = frame.saved[i];
    scratch(1, 5);
    --depth_;
    return frame.is_callback ? end_round() : true;
  }

  const VerifiedProgram& entry_;
  const VerifiedProgram* program_;  // the one running now
  XdpContext* frame_;               // null for `memory` programs
  ExecEnv& env_;
  const HelperTable& helpers_;
  MemoryContext memory_;
  const InterpreterOptions& options_;
  std::array<u64, kRegisters> regs_;
  std::uint32_t slot_ = 0;     // of the next instruction
  std::uint32_t current_ = 0;  // of the one being run
  u64 insns_ = 0;
  unsigned depth_ = 0;  // index of the current frame
  std::size_t stack_used_ = 0;
  std::optional<Fault> fault_;
  [[no_unique_address]] std::conditional_t<kChecked, Checker, NoChecker> checker_;
  std::array<Frame, kMostFrames> frames_;
  std::array<Rounds, kMostFrames> rounds_;               // one a frame
  alignas(16) std::array<std::byte, kMostStack> stack_;  // left as it is: only Facts::slots_to_clear are cleared
};

RunResult start(const VerifiedProgram& program, XdpContext* frame, MemoryContext memory, ExecEnv& env,
                const HelperTable& helpers, const InterpreterOptions& options) {
  const u64 r1 = frame != nullptr ? reinterpret_cast<u64>(frame) : reinterpret_cast<u64>(memory.data);
  const u64 r2 = frame != nullptr ? 0 : memory.size;
  if (options.checked) return Machine<true>(program, frame, memory, env, helpers, options).run(r1, r2);
  return Machine<false>(program, frame, memory, env, helpers, options).run(r1, r2);
}

}  // namespace

RunResult interpret(const VerifiedProgram& program, XdpContext& frame, ExecEnv& env, const HelperTable& helpers,
                    const InterpreterOptions& options) {
  RunResult result = start(program, &frame, {}, env, helpers, options);
  result.r0 = static_cast<std::uint32_t>(result.r0);
  return result;
}

RunResult interpret(const VerifiedProgram& program, MemoryContext memory, ExecEnv& env, const HelperTable& helpers,
                    const InterpreterOptions& options) {
  return start(program, nullptr, memory, env, helpers, options);
}

RunResult interpret_callback(const VerifiedProgram& program, std::uint32_t slot,
                             const std::array<std::uint64_t, 3>& arguments, ExecEnv& env, const HelperTable& helpers,
                             const InterpreterOptions& options) {
  if (options.checked) {
    return Machine<true>(program, nullptr, {}, env, helpers, options).run_callback(slot, arguments);
  }
  return Machine<false>(program, nullptr, {}, env, helpers, options).run_callback(slot, arguments);
}

}  // namespace sluice::vm
