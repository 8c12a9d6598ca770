#pragma once
// One program before both verifiers, and on every engine when both take it. Needs bpf(2).
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/packets.h"
#include "vm/maps/map.h"
#include "vm/program.h"

namespace sluice::fuzz {

using testing_support::Bytes;
using Maps = std::vector<std::shared_ptr<vm::Map>>;

// The maps of one family of programs, here and in the kernel.
class Peers {
 public:
  explicit Peers(Maps maps);
  Peers(const Peers&) = delete;
  Peers& operator=(const Peers&) = delete;
  ~Peers();

  [[nodiscard]] const Maps& maps() const { return maps_; }
  [[nodiscard]] const std::vector<int>& descriptors() const { return descriptors_; }
  // Whether all maps exist in the kernel; `why` names the one that does not.
  [[nodiscard]] bool complete(std::string& why) const;
  // Whether contents can be put back and compared: few entries, of simple types.
  [[nodiscard]] bool small() const { return small_; }
  // Contents as they were at first, here and in the kernel.
  void reset_ours();
  void reset_kernels();
  [[nodiscard]] std::vector<Bytes> ours() const;
  [[nodiscard]] std::vector<Bytes> kernels() const;

 private:
  struct Entry {
    std::size_t map;
    Bytes key, value;
  };
  Maps maps_;
  std::vector<int> descriptors_;
  std::vector<Entry> initial_;
  bool small_ = true;
};

enum class Finding : std::uint8_t {
  kBothAccept,
  kBothRefuse,
  kListedAccept,   // Sluice accepts what the kernel refuses, for a reason listed in docs/differences.md
  kWrongAccept,    // .. for none
  kListedRefusal,  // Sluice refuses what the kernel accepts, for a listed reason
  kWrongRefusal,   // .. for none
  kTooComplex,     // more than kMostProcessed instructions to explore here, or millions of rounds to run: not asked on
  kViolation,      // accepted, and faults or leaves its claims in the checked interpreter
  kEnginesDiffer,  // interpreter and JIT, or the kernel, end differently
  kCount
};
std::string_view name(Finding finding);

struct Judgement {
  Finding finding = Finding::kBothRefuse;
  std::string what;       // for people: messages of both sides
  std::string signature;  // findings of one cause look alike
  bool compared = false;  // ran in the kernel too, with the same end
};

constexpr std::uint32_t kMostProcessed = 100'000;

Judgement judge(const vm::LoadedProgram& program, Peers& peers, std::uint64_t seed);

}  // namespace sluice::fuzz
