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

// Looks the key in the frame's first 4 bytes up; puts it in when it is not there. 1 = it was.
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
  std::uint32_t keys;  // different ones, as a multiple of the capacity
  bool scans;          // now and then as many keys in a row as the map holds, each seen only then
};

// Keys of a trace, the same for the same seed.
std::vector<std::uint32_t> keys_of(const Trace& trace, std::uint64_t turns, unsigned seed) {
  Zipf zipf(trace.keys * trace.capacity, trace.skew, seed);
  std::vector<std::uint32_t> keys;
  std::uint32_t fresh = 0;
  while (keys.size() < turns) {
    if (trace.scans && keys.size() % (std::uint64_t{10} * trace.capacity) == 5 * trace.capacity) {
      for (std::uint32_t i = 0; i < trace.capacity; ++i) keys.push_back((fresh += 2) | 1U << 31 | 1U);
    }
    keys.push_back(zipf.next() & ~(1U << 31));
  }
  keys.resize(turns);
  return keys;
}

class LruBesideTheKernel : public ::testing::TestWithParam<Trace> {
 protected:
  [[nodiscard]] std::shared_ptr<Map> ours() const {
    const MapSpec spec{
        .name = "cache", .type = MapType::kLruHash, .key_size = 4, .value_size = 8, .max_entries = GetParam().capacity};
    return std::move(*make_map(spec, testing_support::kernel_cpus()));
  }
};
INSTANTIATE_TEST_SUITE_P(Zipf, LruBesideTheKernel,
                         ::testing::Values(Trace{16, 0.8, 10, false}, Trace{16, 1.2, 3, true}, Trace{64, 1.0, 10, true},
                                           Trace{256, 0.6, 3, false}, Trace{256, 0.8, 10, false},
                                           Trace{256, 1.0, 10, true}, Trace{256, 1.2, 10, false},
                                           Trace{1000, 0.6, 10, false}, Trace{1000, 0.8, 3, true},
                                           Trace{1000, 1.0, 10, false}, Trace{1000, 1.2, 3, false}),
                         [](const auto& test) {
                           const Trace& trace = test.param;
                           return std::to_string(trace.capacity) + "_of_" + std::to_string(trace.keys) +
                                  "_times_skew_" + std::to_string(std::lround(trace.skew * 10)) +
                                  (trace.scans ? "_scans" : "");
                         });

// No slack: on one CPU the same trace gives the same hits each time, on either side.
TEST_P(LruBesideTheKernel, LookUpsHitAtLeastAsOften) {
  SLUICE_NEEDS_BPF();
  const testing_support::OnFirstCpu here;
  ASSERT_TRUE(here.pinned());
  const std::shared_ptr<Map> map = ours();
  const std::uint32_t capacity = GetParam().capacity;
  const testing_support::KernelMap theirs(BPF_MAP_TYPE_LRU_HASH, 4, 8, capacity, 0);
  ASSERT_GE(theirs.fd(), 0);
  std::vector<Insn> insns = testing_support::program_from_asm(std::string(kCache), xdp_type(), {map}).insns;
  for (Insn& insn : insns) {
    if (insn.opcode == 0x18 && insn.src == 1) insn.imm = theirs.fd();
  }
  const testing_support::KernelProgram program(insns.data(), insns.size());
  ASSERT_GE(program.fd(), 0);

  const char* const asked = std::getenv("SLUICE_MAP_OPERATIONS");
  const std::uint64_t turns = asked == nullptr ? std::max(20'000U, 30 * capacity) : std::strtoull(asked, nullptr, 10);
  std::uint64_t hits = 0;
  std::uint64_t their_hits = 0;
  std::vector<std::byte> frame(60);
  const std::uint64_t value = 0;
  for (const std::uint32_t key : keys_of(GetParam(), turns, 5)) {
    const auto* const key_bytes = reinterpret_cast<const std::byte*>(&key);
    std::memcpy(frame.data(), &key, sizeof key);
    const auto run = program.run(frame);
    ASSERT_EQ(run.error, 0);
    their_hits += run.retval == 1 ? 1 : 0;
    if (map->lookup(key_bytes, 0) != nullptr) {
      ++hits;
    } else {
      ASSERT_EQ(map->update(key_bytes, reinterpret_cast<const std::byte*>(&value), UpdateMode::kAny, 0), 0);
    }
  }
  RecordProperty("hits", static_cast<int>(hits));
  RecordProperty("kernel_hits", static_cast<int>(their_hits));
  EXPECT_LE(walk(*map).size(), capacity);
  EXPECT_GE(hits, their_hits);
}

TEST_P(LruBesideTheKernel, WhatWasJustUsedStays) {
  const std::shared_ptr<Map> map = ours();
  const std::uint64_t value = 0;
  const std::uint64_t turns = 20'000;
  const std::vector<std::uint32_t> keys = keys_of(GetParam(), turns, 6);
  for (std::size_t turn = 0; turn < turns; ++turn) {
    const auto* const key = reinterpret_cast<const std::byte*>(&keys[turn]);
    if (map->lookup(key, 0) == nullptr) {
      ASSERT_EQ(map->update(key, reinterpret_cast<const std::byte*>(&value), UpdateMode::kAny, 0), 0);
    }
    if (turn % 101 != 100) continue;
    const std::size_t recent = std::min<std::size_t>(GetParam().capacity / 4, 100);
    for (std::size_t back = 0; back < recent; ++back) {  // `read` is no use
      std::uint64_t held = 0;
      ASSERT_EQ(map->read(reinterpret_cast<const std::byte*>(&keys[turn - back]), reinterpret_cast<std::byte*>(&held)),
                0)
          << "what was used " << back << " turns before turn " << turn << " went";
    }
  }
}

}  // namespace
}  // namespace sluice::vm::testing
