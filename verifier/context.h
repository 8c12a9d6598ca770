#pragma once
// What all parts of one verification share: the program, its shape, and the facts gathered on the way. Internal to the
// verifier.
#include <cstdint>
#include <vector>

#include "verifier/cfg.h"
#include "verifier/liveness.h"
#include "verifier/state.h"
#include "verifier/verifier.h"
#include "vm/facts.h"

namespace sluice::verifier {

// Facts joined over all paths that passed an instruction.
class FactRecorder {
 public:
  explicit FactRecorder(std::size_t slots) : seen_(slots) { facts.insns.resize(slots); }

  void access(std::uint32_t slot, vm::Region region, std::int64_t min, std::int64_t max, std::int32_t map);
  void map_argument(std::uint32_t slot, std::int32_t map);
  void key(std::uint32_t slot, std::int64_t constant);  // -1: not constant on this path

  vm::Facts facts;

 private:
  struct Seen {
    bool region = false, map = false, key = false;
  };
  std::vector<Seen> seen_;
};

struct Context {
  const vm::LoadedProgram& program;
  const vm::HelperTable& helpers;
  const Options& options;
  RuleSet rules;
  Cfg cfg;
  Liveness live;
  FactRecorder recorder;
  std::vector<std::uint32_t> frame_bytes;  // one a sub-program of cfg: bytes of stack in use so far, multiple of 8
  std::vector<std::uint64_t> clear;        // one a sub-program of cfg: Facts::slots_to_clear
  std::uint32_t last_id = 0;               // Reg::id given last

  Context(const vm::LoadedProgram& p, const vm::HelperTable& h, const Options& o, RuleSet r)
      : program(p), helpers(h), options(o), rules(r), recorder(p.insns.size()) {}

  [[nodiscard]] const vm::InsnRow& row(std::uint32_t slot) const noexcept { return *cfg.rows[slot]; }
  [[nodiscard]] const vm::Insn& insn(std::uint32_t slot) const noexcept { return program.insns[slot]; }
  [[nodiscard]] bool enforced(Rule rule) const noexcept { return rules.has(rule); }
  [[nodiscard]] std::uint32_t new_id() noexcept { return ++last_id; }
};

}  // namespace sluice::verifier
