#include "verifier/cfg.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "vm/maps/map.h"

namespace sluice::verifier {
namespace {

using vm::Insn;
using vm::InsnRow;
using vm::Kind;

constexpr std::uint32_t kTailCallStackBytes = 256;  // of the frames above a sub-program that makes tail calls

// Stands where a demand failed that a test switched off: the walk ends there.
constexpr InsnRow kPoison{.name = "?", .mnemonic = "?", .kind = Kind::kExit};

Check recursion(std::uint32_t site) {
  return failure(Rule::kRecursion, site, -1, "the call leads back to a sub-program that is still running");
}

// Depth first over the call graph, along the sites that count: sub-programs so that a callee comes before its callers.
// A call of one still open is a circle: the site of the first.
template <typename F>
std::optional<std::uint32_t> find_order(const vm::LoadedProgram& program, const Cfg& cfg, F&& counts,
                                        std::vector<std::uint32_t>& callees_first) {
  enum : std::uint8_t { kNew, kOpen, kDone };
  std::vector<std::uint8_t> mark(cfg.subprograms.size(), kNew);
  struct Visit {
    std::uint32_t subprogram;
    std::size_t next_call;
  };
  std::optional<std::uint32_t> circle;
  callees_first.clear();
  for (std::uint32_t root = 0; root < cfg.subprograms.size(); ++root) {
    if (mark[root] != kNew) continue;
    mark[root] = kOpen;
    std::vector<Visit> open{{root, 0}};
    while (!open.empty()) {
      Visit& visit = open.back();
      const std::vector<std::uint32_t>& calls = cfg.traits[visit.subprogram].calls;
      if (visit.next_call == calls.size()) {
        mark[visit.subprogram] = kDone;
        callees_first.push_back(visit.subprogram);
        open.pop_back();
        continue;
      }
      const std::uint32_t site = calls[visit.next_call++];
      if (!counts(site)) continue;
      const std::uint32_t callee = cfg.callee(program, site);
      if (mark[callee] == kOpen && !circle) circle = site;
      if (mark[callee] != kNew) continue;
      mark[callee] = kOpen;
      open.push_back({callee, 0});
    }
  }
  return circle;
}

class Builder {
 public:
  Builder(const vm::LoadedProgram& program, const vm::HelperTable& helpers, RuleSet rules, Cfg& cfg)
      : program_(program), helpers_(helpers), rules_(rules), cfg_(cfg) {}

  Check run() {
    for (auto step : {&Builder::decode, &Builder::find_subprograms, &Builder::check_jumps, &Builder::check_reachable,
                      &Builder::order_subprograms}) {
      if (Check failed = (this->*step)()) return failed;
    }
    collect_effects();
    return {};
  }

 private:
  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(program_.insns.size()); }
  [[nodiscard]] bool on(Rule rule) const { return rules_.has(rule); }

  Check decode() {
    cfg_.rows.assign(size(), nullptr);
    if (size() == 0) return failure(Rule::kSubprogramEnd, 0, -1, "the program is empty");
    for (std::uint32_t slot = 0; slot < size(); ++slot) {
      const Insn& insn = program_.insns[slot];
      const InsnRow* row = vm::find(insn);
      if (Check failed = check_insn(slot, row)) return failed;
      const bool whole = row != nullptr && slot + vm::slots(*row) <= size();
      if (!whole || insn.dst >= vm::kRegisters || insn.src >= vm::kRegisters || !names_map(*row, insn)) row = &kPoison;
      cfg_.rows[slot] = row;
      if (vm::slots(*row) == 2) ++slot;
    }
    return {};
  }

  [[nodiscard]] bool map_exists(std::uint32_t index) const {
    return index < program_.maps.size() && program_.maps[index] != nullptr;
  }

  // Not an lddw of a map, or one of a map that exists.
  [[nodiscard]] bool names_map(const InsnRow& row, const Insn& insn) const {
    const auto kind = static_cast<vm::Imm64>(insn.src);
    const bool map = row.kind == Kind::kLoadImm64 && (kind == vm::Imm64::kMap || kind == vm::Imm64::kMapValue);
    return !map || map_exists(static_cast<std::uint32_t>(insn.imm));
  }

  Check check_insn(std::uint32_t slot, const InsnRow* row) const {
    const Insn& insn = program_.insns[slot];
    if (row == nullptr) {
      if (!on(Rule::kKnownInsn)) return {};
      return failure(Rule::kKnownInsn, slot, -1, fmt::format("unknown instruction, opcode 0x{:02x}", insn.opcode));
    }
    if ((insn.dst >= vm::kRegisters || insn.src >= vm::kRegisters) && on(Rule::kRegisterNumber)) {
      return failure(Rule::kRegisterNumber, slot, -1,
                     fmt::format("there is no register r{}", std::max<int>(insn.dst, insn.src)));
    }
    if (row->kind == Kind::kLegacyLoad && on(Rule::kLegacyLoad)) {
      return failure(Rule::kLegacyLoad, slot, -1, "LD_ABS and LD_IND are not for XDP programs");
    }
    // Function 0 is what a linker leaves of one that is not there: such a call may stand where nobody comes.
    if (row->kind == Kind::kCallKernel && (insn.imm != 0 || insn.offset != 0) && on(Rule::kKernelFunction)) {
      return failure(Rule::kKernelFunction, slot, -1, fmt::format("call of kernel function {}", insn.imm));
    }
    return row->kind == Kind::kLoadImm64 ? check_imm64(slot) : check_alu_immediate(slot, *row);
  }

  Check check_alu_immediate(std::uint32_t slot, const InsnRow& row) const {
    if (row.kind != Kind::kAlu || row.source != vm::Source::kImm) return {};
    const Insn& insn = program_.insns[slot];
    const vm::AluOp op = row.alu();
    const bool shift = op == vm::AluOp::kLsh || op == vm::AluOp::kRsh || op == vm::AluOp::kArsh;
    const std::int32_t width = row.wide ? 64 : 32;
    if (shift && (insn.imm < 0 || insn.imm >= width) && on(Rule::kShiftAmount)) {
      return failure(Rule::kShiftAmount, slot, insn.dst, fmt::format("shift by {} of {} bits", insn.imm, width));
    }
    const bool divides =
        op == vm::AluOp::kDiv || op == vm::AluOp::kMod || op == vm::AluOp::kSdiv || op == vm::AluOp::kSmod;
    if (divides && insn.imm == 0 && on(Rule::kDivisor)) {
      return failure(Rule::kDivisor, slot, insn.dst, "division by the constant 0");
    }
    return {};
  }

  Check check_imm64(std::uint32_t slot) const {
    const Insn& first = program_.insns[slot];
    const bool has_second = slot + 1 < size();
    const Insn second = has_second ? program_.insns[slot + 1] : Insn{};
    if ((!has_second || second.opcode != 0 || second.dst != 0 || second.src != 0 || second.offset != 0) &&
        on(Rule::kImm64Pair)) {
      return failure(Rule::kImm64Pair, slot, -1, "the second half of lddw is missing or malformed");
    }
    const auto kind = static_cast<vm::Imm64>(first.src);
    if (kind == vm::Imm64::kNumber) return {};
    if (kind == vm::Imm64::kCode) return {};  // find_subprograms judges the target
    if (kind != vm::Imm64::kMap && kind != vm::Imm64::kMapValue) {
      if (!on(Rule::kImm64Kind)) return {};
      return failure(Rule::kImm64Kind, slot, first.dst, fmt::format("lddw of kind {} is not supported", +first.src));
    }
    const auto index = static_cast<std::uint32_t>(first.imm);
    if (!map_exists(index)) {
      if (!on(Rule::kMapIndex)) return {};
      return failure(Rule::kMapIndex, slot, first.dst, fmt::format("map number {} does not exist", first.imm));
    }
    if (kind == vm::Imm64::kMapValue) return check_map_value(slot, program_.maps[index]->spec());
    if (program_.insns[slot + 1].imm == 0 || !on(Rule::kImm64Pair)) return {};
    return failure(Rule::kImm64Pair, slot, first.dst, "the second half of a lddw that names a map is not 0");
  }

  Check check_map_value(std::uint32_t slot, const vm::MapSpec& spec) const {
    const auto offset = static_cast<std::uint32_t>(program_.insns[slot + 1].imm);
    const bool direct = spec.type == vm::MapType::kArray && spec.max_entries == 1;
    if ((!direct || offset >= spec.value_size) && on(Rule::kMapValueOffset)) {
      return failure(Rule::kMapValueOffset, slot, program_.insns[slot].dst,
                     fmt::format("offset {} into the value of map {} ({} bytes, {} entries)", offset, spec.name,
                                 spec.value_size, spec.max_entries));
    }
    return {};
  }

  // Starts that the loader names and those that calls show, once each.
  Check find_subprograms() {
    cfg_.subprograms = program_.subprograms;
    if (cfg_.subprograms.empty() || cfg_.subprograms.front().start != 0) {
      cfg_.subprograms.insert(cfg_.subprograms.begin(), {.name = program_.name});
    }
    for (std::uint32_t slot = 0; slot < size(); ++slot) {
      if (cfg_.rows[slot] == nullptr || !names_function(*cfg_.rows[slot], program_.insns[slot])) continue;
      const std::int64_t target = static_cast<std::int64_t>(slot) + 1 + program_.insns[slot].imm;
      const bool inside = target > 0 && target < size() && cfg_.rows[static_cast<std::size_t>(target)] != nullptr;
      if (!inside) {
        if (on(Rule::kCallTarget)) return failure(Rule::kCallTarget, slot, -1, fmt::format("call of slot {}", target));
        if (vm::slots(*cfg_.rows[slot]) == 2) cfg_.rows[slot + 1] = &kPoison;
        cfg_.rows[slot] = &kPoison;
        continue;
      }
      cfg_.subprograms.push_back({.name = {}, .start = static_cast<std::uint32_t>(target)});
    }
    std::ranges::stable_sort(cfg_.subprograms, {}, &vm::Subprogram::start);
    const auto twice = std::ranges::unique(cfg_.subprograms, {}, &vm::Subprogram::start);
    cfg_.subprograms.erase(twice.begin(), twice.end());
    std::erase_if(cfg_.subprograms, [this](const vm::Subprogram& s) { return s.start >= size(); });
    cfg_.owner.assign(size(), 0);
    for (std::uint32_t i = 0; i < cfg_.subprograms.size(); ++i) {
      std::fill(cfg_.owner.begin() + cfg_.subprograms[i].start, cfg_.owner.begin() + cfg_.end_of(i), i);
    }
    return check_callbacks_static();
  }

  // As in Linux: a global function is verified for any arguments, a callback for those of the helper.
  Check check_callbacks_static() const {
    for (std::uint32_t slot = 0; slot < size(); ++slot) {
      if (cfg_.rows[slot] == nullptr || cfg_.rows[slot]->kind != Kind::kLoadImm64 ||
          !names_function(*cfg_.rows[slot], program_.insns[slot])) {
        continue;
      }
      const vm::Subprogram& function = cfg_.subprograms[cfg_.callee(program_, slot)];
      if (!function.is_global || !on(Rule::kCallbackStatic)) continue;
      return failure(Rule::kCallbackStatic, slot, program_.insns[slot].dst,
                     fmt::format("the address of {}, which is not static", function.name),
                     {{"fix", fmt::format("make it static: static long {}(...)", function.name)}});
    }
    return {};
  }

  Check check_jumps() {
    cfg_.is_target.assign(size(), 0);
    cfg_.is_loop_head.assign(size(), 0);
    cfg_.traits.resize(cfg_.subprograms.size());
    for (std::uint32_t slot = 0; slot < size(); ++slot) {
      const InsnRow* row = cfg_.rows[slot];
      if (row == nullptr) continue;
      const std::uint32_t owner = cfg_.owner[slot];
      if (names_function(*row, program_.insns[slot])) cfg_.traits[owner].calls.push_back(slot);
      if (row->kind == Kind::kGoto || row->kind == Kind::kBranch) {
        const std::int64_t target = static_cast<std::int64_t>(slot) + 1 + vm::jump_distance(*row, program_.insns[slot]);
        const bool good = target >= cfg_.subprograms[owner].start && target < cfg_.end_of(owner) &&
                          cfg_.rows[static_cast<std::size_t>(target)] != nullptr;
        if (!good) {
          if (on(Rule::kJumpTarget))
            return failure(Rule::kJumpTarget, slot, -1, fmt::format("jump to slot {}", target));
          cfg_.rows[slot] = &kPoison;
          continue;
        }
        cfg_.is_target[static_cast<std::size_t>(target)] = 1;
        if (target <= slot) cfg_.is_loop_head[static_cast<std::size_t>(target)] = 1;
      }
      const bool last = slot + vm::slots(*row) == cfg_.end_of(owner);
      if (last && row->kind != Kind::kExit && row->kind != Kind::kGoto && on(Rule::kSubprogramEnd)) {
        return failure(Rule::kSubprogramEnd, slot, -1, "the last instruction is neither exit nor a jump");
      }
    }
    return {};
  }

  Check check_reachable() {
    std::vector<std::uint8_t> seen(size(), 0);
    std::vector<std::uint32_t> todo{0};
    const auto visit = [&](std::uint32_t slot) {
      if (slot < size() && cfg_.rows[slot] != nullptr && seen[slot] == 0) {
        seen[slot] = 1;
        todo.push_back(slot);
      }
    };
    seen[0] = 1;
    while (!todo.empty()) {
      const std::uint32_t slot = todo.back();
      todo.pop_back();
      for_each_successor(*cfg_.rows[slot], program_.insns[slot], slot, visit);
      if (names_function(*cfg_.rows[slot], program_.insns[slot]))
        visit(slot + 1 + static_cast<std::uint32_t>(program_.insns[slot].imm));
    }
    for (std::uint32_t slot = 0; slot < size(); ++slot) {
      if (cfg_.rows[slot] != nullptr && seen[slot] == 0 && on(Rule::kReachable)) {
        return failure(Rule::kReachable, slot, -1, "no path leads to this instruction");
      }
    }
    return {};
  }

  // A callback of a timer may name itself: then only the walk tells who calls whom, and its frames are counted.
  Check order_subprograms() {
    std::optional<std::uint32_t> circle =
        find_order(program_, cfg_, [](std::uint32_t) { return true; }, cfg_.callees_first);
    if (circle && sets_callbacks()) {
      const auto is_call = [this](std::uint32_t site) { return cfg_.rows[site]->kind == Kind::kCallLocal; };
      circle = find_order(program_, cfg_, is_call, cfg_.callees_first);
    }
    return circle && on(Rule::kRecursion) ? recursion(*circle) : Check{};
  }

  [[nodiscard]] bool sets_callbacks() const {
    for (std::uint32_t slot = 0; slot < size(); ++slot) {
      if (cfg_.rows[slot] == nullptr || cfg_.rows[slot]->kind != Kind::kCallHelper) continue;
      const vm::HelperDesc* const helper = helpers_.find(program_.insns[slot].imm);
      if (helper != nullptr && helper->effect == vm::Effect::kSetCallback) return true;
    }
    return false;
  }

  void collect_effects() {
    for (std::uint32_t slot = 0; slot < size(); ++slot) {
      if (cfg_.rows[slot] == nullptr || cfg_.rows[slot]->kind != Kind::kCallHelper) continue;
      const vm::HelperDesc* helper = helpers_.find(program_.insns[slot].imm);
      if (helper == nullptr) continue;
      Cfg::Traits& traits = cfg_.traits[cfg_.owner[slot]];
      traits.moves_packet |= helper->effect == vm::Effect::kMovesPacket || helper->effect == vm::Effect::kTailCall;
      traits.makes_tail_calls |= helper->effect == vm::Effect::kTailCall;
      // Paths meet again where the function that was called back returns to.
      if (helper->effect == vm::Effect::kCallback) cfg_.is_target[slot] = 1;
    }
    for (bool grew = true; grew;) {  // addresses may be taken in circles
      grew = false;
      for (const std::uint32_t subprogram : cfg_.callees_first) {
        for (const std::uint32_t site : cfg_.traits[subprogram].calls) {
          const bool moves = cfg_.traits[cfg_.callee(program_, site)].moves_packet;
          grew |= moves && !cfg_.traits[subprogram].moves_packet;
          cfg_.traits[subprogram].moves_packet |= moves;
        }
      }
    }
  }

  const vm::LoadedProgram& program_;
  const vm::HelperTable& helpers_;
  RuleSet rules_;
  Cfg& cfg_;
};

}  // namespace

std::uint32_t Cfg::callee(const vm::LoadedProgram& program, std::uint32_t slot) const noexcept {
  return owner[slot + 1 + static_cast<std::uint32_t>(program.insns[slot].imm)];
}

Check build_cfg(const vm::LoadedProgram& program, const vm::HelperTable& helpers, RuleSet rules, Cfg& cfg) {
  return Builder(program, helpers, rules, cfg).run();
}

Check check_stack_depth(const vm::LoadedProgram& program, RuleSet rules, const Cfg& cfg,
                        const std::vector<std::uint32_t>& frame_bytes, const Called& called, std::uint32_t& deepest) {
  // An address that only timers get leads nowhere from here.
  const auto counts = [&](std::uint32_t site) {
    const std::uint32_t callee = cfg.callee(program, site);
    return cfg.rows[site]->kind == Kind::kCallLocal || called.later[callee] == 0 || called.back[callee] != 0;
  };
  std::vector<std::uint32_t> callees_first;
  const std::optional<std::uint32_t> circle = find_order(program, cfg, counts, callees_first);
  if (circle && rules.has(Rule::kRecursion)) return recursion(*circle);
  // Most bytes of frames above each sub-program; callers come first when callees_first is walked backwards. A frame
  // counts as a multiple of 16 bytes, at least 16, as the kernel counts for its JIT.
  const auto counted = [&](std::uint32_t subprogram) { return std::max(16U, (frame_bytes[subprogram] + 15U) & ~15U); };
  std::vector<std::uint32_t> above(cfg.subprograms.size(), 0);
  std::vector<std::uint32_t> entered_from(cfg.subprograms.size(), 0);
  std::vector<std::uint32_t> frames_above(cfg.subprograms.size(), 0);
  deepest = 0;
  // "program takes 304 bytes, parse 320 more": whose stack adds up in the chain down to a sub-program.
  const auto chain = [&](std::uint32_t last) {
    std::vector<std::uint32_t> parts{last};
    while (above[parts.back()] > 0 && parts.size() < cfg.subprograms.size()) {
      parts.push_back(cfg.owner[entered_from[parts.back()]]);
    }
    std::string text;
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
      const std::string& name = cfg.subprograms[*part].name;
      text += fmt::format("{}{} {} {} bytes", text.empty() ? "" : ", ", name.empty() ? "a function" : name,
                          text.empty() ? "takes" : "adds", counted(*part));
    }
    return text;
  };
  for (auto it = callees_first.rbegin(); it != callees_first.rend(); ++it) {
    const std::uint32_t subprogram = *it;
    if (subprogram != 0 && cfg.traits[subprogram].makes_tail_calls && above[subprogram] >= kTailCallStackBytes &&
        rules.has(Rule::kTailCallStack)) {
      return failure(Rule::kTailCallStack, entered_from[subprogram], -1,
                     fmt::format("a tail call below {} bytes of caller stack, at most {} are allowed",
                                 above[subprogram], kTailCallStackBytes - 1),
                     {{"why", chain(subprogram)}});
    }
    const std::uint32_t total = above[subprogram] + counted(subprogram);
    if (total > vm::kStackBytes && rules.has(Rule::kStackDepth)) {
      return failure(Rule::kStackDepth, entered_from[subprogram], -1,
                     fmt::format("the call chain needs {} bytes of stack, {} are allowed", total, vm::kStackBytes),
                     {{"why", chain(subprogram)}});
    }
    deepest = std::max(deepest, above[subprogram] + frame_bytes[subprogram]);
    for (const std::uint32_t site : cfg.traits[subprogram].calls) {
      if (!counts(site)) continue;
      const std::uint32_t callee = cfg.callee(program, site);
      // Chains that no path walks count as well.
      frames_above[callee] = std::max(frames_above[callee], frames_above[subprogram] + 1);
      if (frames_above[callee] >= vm::kMaxCallFrames && rules.has(Rule::kCallDepth)) {
        return failure(Rule::kCallDepth, site, -1, fmt::format("more than {} frames", vm::kMaxCallFrames),
                       {{"why", "every sub-program that is running takes a frame"}});
      }
      if (total <= above[callee]) continue;
      above[callee] = total;
      entered_from[callee] = site;
    }
  }
  return {};
}

}  // namespace sluice::verifier
