// LRU maps beyond their capacity beside the kernel's: the same trace of skewed keys through both, as a cache that
// programs keep. Which element goes is approximate in both; what is promised is size, that what was just used survives,
// and that no fewer look-ups hit.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include <gtest/gtest.h>

#include "tests/support/kernel_perf.h"
#include "tests/support/programs.h"
#include "tests/unit/vm/maps/cases.h"

namespace sluice::vm::testing {
namespace {

// Keys 0..universe-1, key i with a probability in proportion to 1/(i+1)^skew, in an order mixed up.
class Zipf {
 public:
  Zipf(std::uint32_t universe, double skew, unsigned seed) : random_(seed), sums_(universe) {
    for (std::uint32_t i = 0; i < universe; ++i) sums_[i] = 1 / std::pow(i + 1, skew);
    std::partial_sum(sums_.begin(), sums_.end(), sums_.begin());
  }
  std::uint32_t next() {
    const double at = std::uniform_real_distribution<double>(0, sums_.back())(random_);
    const auto rank = std::ranges::lower_bound(sums_, at) - sums_.begin();
    return static_cast<std::uint32_t>(rank) * 2654435761U;
  }

 private:
  std::mt19937_64 random_;
  std::vector<double> sums_;
};

// Looks the key in the frame's first 4 bytes up; puts it in when it is not there.
constexpr std::string_view kCache = R"(
      ldxw r2, [r1+0]
      ldxw r3, [r1+4]
      mov r0, 9
      mov r4, r2
      add r4, 4
      jgt r4, r3, out
      ldxw r6, [r2+0]
      stxw [r10-4], r6
      stdw [r10-16], 0
      lddw_map r1, 0
      mov r2, r10
      add r2, -4
      call map_lookup_elem
      mov r1, r0
      mov r0, 1
      jne r1, 0, out
      lddw_map r1, 0
      mov r2, r10
      add r2, -4
      mov r3, r10
      add r3, -16
      mov r4, 0
      call map_update_elem
out:  exit
)";

struct Trace {
  std::uint32_t capacity;
  double skew;
};
class LruBesideTheKernel : public ::testing::TestWithParam<Trace> {};
INSTANTIATE_TEST_SUITE_P(Zipf, LruBesideTheKernel,
                         ::testing::Values(Trace{256, 0.8}, Trace{1000, 1.0}, Trace{4096, 0.9}, Trace{4096, 1.2}),
                         [](const auto& test) {
                           return std::to_string(test.param.capacity) + "_of_skew_" +
                                  std::to_string(static_cast<int>(test.param.skew * 10));
                         });

TEST_P(LruBesideTheKernel, LookUpsHitAboutAsOften) {
  SLUICE_NEEDS_BPF();
  const testing_support::OnFirstCpu here;
  ASSERT_TRUE(here.pinned());
  const auto [capacity, skew] = GetParam();
  const MapSpec spec{
      .name = "cache", .type = MapType::kLruHash, .key_size = 4, .value_size = 8, .max_entries = capacity};
  const std::shared_ptr<Map> ours = std::move(*make_map(spec, testing_support::kernel_cpus()));
  const testing_support::KernelMap theirs(BPF_MAP_TYPE_LRU_HASH, 4, 8, capacity, 0);
  ASSERT_GE(theirs.fd(), 0);
  std::vector<Insn> insns = testing_support::program_from_asm(std::string(kCache), xdp_type(), {ours}).insns;
  for (Insn& insn : insns) {
    if (insn.opcode == 0x18 && insn.src == 1) insn.imm = theirs.fd();
  }
  const testing_support::KernelProgram program(insns.data(), insns.size());
  ASSERT_GE(program.fd(), 0);

  const char* const asked = std::getenv("SLUICE_MAP_OPERATIONS");
  const std::uint64_t turns = asked == nullptr ? 20'000 : std::strtoull(asked, nullptr, 10);
  Zipf keys(10 * capacity, skew, 5);
  std::uint64_t hits = 0;
  std::uint64_t their_hits = 0;
  std::vector<std::byte> frame(60);
  const std::uint64_t value = 0;
  std::uint32_t last = 0;
  for (std::uint64_t turn = 0; turn < turns; ++turn) {
    const std::uint32_t key = keys.next();
    const auto* const key_bytes = reinterpret_cast<const std::byte*>(&key);
    std::memcpy(frame.data(), &key, sizeof key);
    const auto run = program.run(frame);
    ASSERT_EQ(run.error, 0);
    their_hits += run.retval == 1 ? 1 : 0;
    if (ours->lookup(key_bytes, 0) != nullptr) {
      ++hits;
    } else {
      ASSERT_EQ(ours->update(key_bytes, reinterpret_cast<const std::byte*>(&value), UpdateMode::kAny, 0), 0);
    }
    if (turn % 100 == 99) {  // not each time: a look-up is a use
      ASSERT_NE(ours->lookup(reinterpret_cast<const std::byte*>(&last), 0), nullptr) << "what was just used went";
    }
    last = key;
  }
  RecordProperty("hits", static_cast<int>(hits));
  RecordProperty("kernel_hits", static_cast<int>(their_hits));
  EXPECT_LE(walk(*ours).size(), capacity);
  // A clock of one mark keeps up with two lists, less a few of a hundred: 8428 to 8830 of 20,000 at worst.
  EXPECT_GE(hits + hits / 12, their_hits);
}

}  // namespace
}  // namespace sluice::vm::testing
