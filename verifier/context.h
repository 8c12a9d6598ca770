#pragma once
// What all parts of one verification share: the program, its shape, and the facts gathered on the way. Internal to the
// verifier.
#include <cstdint>
#include <optional>
#include <vector>

#include "verifier/cfg.h"
#include "verifier/liveness.h"
#include "verifier/state.h"
#include "verifier/verifier.h"
#include "vm/facts.h"

namespace sluice::verifier {

class PathTree;

// What a load goes through, as far as the kernel tells sockets apart: it rewrites their fields' loads.
enum class Through : std::uint8_t { kNobody, kOther, kSocket, kSocketCommon, kXdpSocket };

// Facts joined over all paths that passed an instruction.
class FactRecorder {
 public:
  explicit FactRecorder(std::size_t slots) : seen_(slots) { facts.insns.resize(slots); }

  // What the instruction touched on the paths so far; nothing = no path came by.
  [[nodiscard]] std::optional<vm::Region> region_so_far(std::uint32_t slot) const noexcept {
    return seen_[slot].region ? std::optional(facts.insns[slot].region) : std::nullopt;
  }
  void access(std::uint32_t slot, vm::Region region, std::int64_t min, std::int64_t max, std::int32_t map);
  void through(std::uint32_t slot, Through what) noexcept { seen_[slot].through = what; }
  // Of the last path that came by; kNobody = none did.
  [[nodiscard]] Through through_so_far(std::uint32_t slot) const noexcept { return seen_[slot].through; }
  void map_argument(std::uint32_t slot, std::int32_t map);
  void key(std::uint32_t slot, std::int64_t constant);  // -1: not constant on this path

  vm::Facts facts;

 private:
  struct Seen {
    bool region = false, map = false, key = false;
    Through through = Through::kNobody;
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
  std::vector<std::uint8_t> called_back;   // one a sub-program of cfg: 1 = a helper calls it back
  std::vector<std::uint8_t> called_later;  // one a sub-program of cfg: 1 = a timer calls it
  std::vector<const vm::Map*> inner;       // Reg::map less the number of the program's maps
  std::vector<std::int32_t> inner_of;      // one a map of the program: index as Reg::map, -1 = not a map of maps
  std::uint32_t last_id = 0;               // Reg::id given last
  PathTree* paths = nullptr;               // where to record the walk, null = nowhere; see path.h
  Origins demanded;                        // by the instruction being walked; explore takes it from here

  Context(const vm::LoadedProgram& p, const vm::HelperTable& h, const Options& o, RuleSet r);

  // Room for what is known of each sub-program; `cfg` is there.
  void size_subprograms() {
    const std::size_t count = cfg.subprograms.size();
    frame_bytes.assign(count, 0);
    clear.assign(count, 0);
    called_back.assign(count, 0);
    called_later.assign(count, 0);
  }

  // Reg::map is an index: first the program's maps, then what those inside its maps of maps are like.
  [[nodiscard]] const vm::Map* map(std::int32_t index) const noexcept;  // null when there is none
  // The program's map of that index alone; else -1: facts are of no other maps.
  [[nodiscard]] std::int32_t program_map(std::int32_t index) const noexcept {
    return index >= 0 && static_cast<std::size_t>(index) < program.maps.size() ? index : -1;
  }
  // The index of what a look-up in map `index` gives instead of a value; -1 when it gives a value.
  [[nodiscard]] std::int32_t inner_map(std::int32_t index) const noexcept;

  [[nodiscard]] const vm::InsnRow& row(std::uint32_t slot) const noexcept { return *cfg.rows[slot]; }
  [[nodiscard]] const vm::Insn& insn(std::uint32_t slot) const noexcept { return program.insns[slot]; }
  [[nodiscard]] bool enforced(Rule rule) const noexcept { return rules.has(rule); }
  [[nodiscard]] std::uint32_t new_id() noexcept { return ++last_id; }
  // What is known of the number decided something: other numbers there might have decided otherwise.
  void demand(const Reg& number) noexcept { demanded |= number.origins; }
};

}  // namespace sluice::verifier
