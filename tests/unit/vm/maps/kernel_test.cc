// The running kernel and our maps under the same operations: same answers, same contents.
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <optional>

#include <gtest/gtest.h>

#include "tests/support/bpf_syscall.h"
#include "tests/unit/vm/maps/cases.h"
#include "vm/maps/registry.h"

namespace sluice::vm::testing {
namespace {

using testing_support::KernelMap;
using testing_support::KernelProgram;

KernelMap kernel_map(const MapSpec& spec) {
  const auto create = [&](int inner_fd) -> KernelMap {
    return {
        static_cast<std::uint32_t>(spec.type), spec.key_size, spec.value_size, spec.max_entries, spec.flags, inner_fd};
  };
  if (spec.inner == nullptr) return create(0);
  const KernelMap inner = kernel_map(*spec.inner);  // the kernel copies what it needs to know of it
  return create(inner.fd());
}

std::string text(const MapSpec& spec) {
  return std::string(map_type_name(spec.type)) + " key " + std::to_string(spec.key_size) + " value " +
         std::to_string(spec.value_size) + " entries " + std::to_string(spec.max_entries) + " flags " +
         std::to_string(spec.flags);
}

// Creates both; the kernel may also lack memory, which says nothing about the rules.
void expect_same_creation(const MapSpec& spec) {
  const KernelMap theirs = kernel_map(spec);
  std::string why;
  const int ours = check_map(*map_type_row(spec.type), spec, why);
  const int kernel = std::min(theirs.fd(), 0);
  if (kernel == -ENOMEM) return;
  // As many CPUs as the kernel was built for: 64 to 8192.
  if (spec.type == MapType::kCpumap && kernel == -E2BIG && ours == 0 && spec.max_entries > 64) return;
  EXPECT_EQ(ours, kernel) << text(spec) << " " << why;
}

class KernelRules : public ::testing::TestWithParam<Case> {};

TEST_P(KernelRules, SizesAreJudgedAsTheKernelDoes) {
  SLUICE_NEEDS_BPF();
  for (const std::uint32_t key : {0U, 1U, 3U, 4U, 5U, 8U, 20U, 259U, 260U, 261U, 512U, 513U}) {
    for (const std::uint32_t value : {0U, 1U, 3U, 4U, 5U, 8U, 9U, 12U, 32760U, 32761U, 32768U, 32769U}) {
      MapSpec spec = GetParam().spec;
      spec.key_size = key;
      spec.value_size = value;
      spec.max_entries = 1;
      expect_same_creation(spec);
    }
  }
}

TEST_P(KernelRules, FlagsAreJudgedAsTheKernelDoes) {
  SLUICE_NEEDS_BPF();
  for (std::uint32_t bit = 0; bit < 13; ++bit) {
    for (std::uint32_t other = bit; other < 13; ++other) {
      MapSpec spec = GetParam().spec;
      spec.flags ^= 1U << bit;
      if (other != bit) spec.flags ^= 1U << other;
      expect_same_creation(spec);
    }
  }
}

TEST_P(KernelRules, EntriesAreJudgedAsTheKernelDoes) {
  SLUICE_NEEDS_BPF();
  for (const std::uint32_t entries : {0U, 1U, 2U, 1000U, 2048U, 4096U, 8192U, 12288U, 65536U}) {
    MapSpec spec = GetParam().spec;
    spec.max_entries = entries;
    expect_same_creation(spec);
  }
}

TEST_P(KernelRules, LargeElementsAreJudgedAsTheKernelDoes) {
  SLUICE_NEEDS_BPF();
  for (const std::uint32_t value :
       {(4U << 20) - 320, (4U << 20) - 64, (4U << 20) - 53, (4U << 20) - 52, (4U << 20) - 51, (4U << 20) - 49,
        (4U << 20) - 48, 4U << 20, 0x7fffffffU, 0x80000000U, 0xffffffffU}) {
    MapSpec spec = GetParam().spec;
    spec.value_size = value;
    spec.max_entries = 1;
    expect_same_creation(spec);
  }
}

INSTANTIATE_TEST_SUITE_P(
    NoValues, KernelRules,
    ::testing::Values(
        Case{"ringbuf",
             {.name = "ring", .type = MapType::kRingbuf, .key_size = 0, .value_size = 0, .max_entries = 4096}},
        Case{"perf_event_array", {.name = "events", .type = MapType::kPerfEventArray, .max_entries = 4}},
        Case{"xskmap", {.name = "sockets", .type = MapType::kXskmap, .max_entries = 4}},
        Case{"bloom_filter",
             {.name = "seen", .type = MapType::kBloomFilter, .key_size = 0, .value_size = 8, .max_entries = 100}}),
    [](const auto& test) { return std::string(test.param.name); });
INSTANTIATE_TEST_SUITE_P(Queues, KernelRules, ::testing::ValuesIn(queue_cases()),
                         [](const auto& test) { return std::string(test.param.name); });
INSTANTIATE_TEST_SUITE_P(All, KernelRules, ::testing::ValuesIn(cases()),
                         [](const auto& test) { return std::string(test.param.name); });

// Values the kernel can take too: ports that exist (1 is the loopback device), programs that were loaded.
class Twin {
 public:
  explicit Twin(const Case& test)
      : test_(test),
        ours_(std::move(*make_map(test.spec, testing_support::kernel_cpus()))),
        theirs_(kernel_map(test.spec)) {
    if (test.spec.inner != nullptr) inside_.emplace(kernel_map(*test.spec.inner));
  }

  [[nodiscard]] bool works() const { return theirs_.fd() >= 0; }
  [[nodiscard]] int why() const { return theirs_.fd(); }
  Map& ours() { return *ours_; }

  Bytes value(Random& random) {
    Bytes value = transfer_value(*ours_, test_, random);
    const bool devmap = dynamic_cast<Devmap*>(ours_.get()) != nullptr;
    if (devmap) {
      std::memset(value.data(), 0, value.size());
      if (random() % 4 != 0) value[0] = std::byte{1};
      if (value.size() == 8 && random() % 8 == 0) std::memset(value.data() + 4, 0xff, 4);  // descriptor -1: no program
      if (value.size() == 8 && random() % 16 == 0) value[4] = std::byte{0x7f};             // a bad descriptor
    }
    // The kernel copies whole strides and keeps what lies behind each CPU's value.
    return value;
  }
  // The answers of both to one operation.
  std::pair<int, int> update(const Bytes& key, const Bytes& value, std::uint64_t mode) {
    if (!is_numbered(*ours_)) {
      return {put(*ours_, key, value, mode), theirs_.update(key.data(), value.data(), mode)};
    }
    const int fd = test_.spec.inner != nullptr ? inside_->fd() : program_.fd();
    return {put(*ours_, key, value, mode), theirs_.update(key.data(), &fd, mode)};
  }
  std::pair<int, int> erase(const Bytes& key) { return {ours_->erase(key.data()), theirs_.erase(key.data())}; }
  std::pair<int, int> freeze() {
    ours_->freeze();
    return {0, theirs_.freeze()};
  }
  void expect_same_value(const Bytes& key) {
    Bytes ours(ours_->transfer_size() + 16);
    Bytes theirs(ours.size());
    ASSERT_EQ(ours_->read(key.data(), ours.data()), theirs_.lookup(key.data(), theirs.data()));
    if (is_numbered(*ours_)) return;  // ids are the kernel's own
    if (!ours_->is_percpu()) {
      ASSERT_EQ(ours, theirs);
      return;
    }
    for (unsigned cpu = 0; cpu < ours_->cpus(); ++cpu) {
      const auto start = static_cast<std::ptrdiff_t>(cpu) * ours_->percpu_stride();
      ASSERT_TRUE(
          std::equal(ours.begin() + start, ours.begin() + start + test_.spec.value_size, theirs.begin() + start))
          << "cpu " << cpu;
    }
  }
  std::vector<Bytes> their_keys() {
    std::vector<Bytes> keys;
    Bytes next(test_.spec.key_size);
    int error = theirs_.next_key(nullptr, next.data());
    while (error == 0 && keys.size() < 100'000) {
      keys.push_back(next);
      error = theirs_.next_key(keys.back().data(), next.data());
    }
    EXPECT_EQ(error, -ENOENT);
    return keys;
  }

 private:
  static constexpr std::uint64_t kPass[] = {0x00000002000000b7U, 0x95U};  // r0 = 2; exit
  const Case& test_;
  std::unique_ptr<Map> ours_;
  KernelMap theirs_;
  KernelProgram program_{kPass, 2};
  std::optional<KernelMap> inside_;  // what maps of maps get
};

MapSpec plain(MapType type, std::uint32_t flags = 0) {
  MapSpec spec;
  spec.type = type;
  spec.max_entries = 4;
  spec.flags = flags;
  if (type == MapType::kQueue || type == MapType::kStack || type == MapType::kBloomFilter) spec.key_size = 0;
  if (type == MapType::kLpmTrie) spec.key_size = 8;
  if (type == MapType::kRingbuf) {
    spec.key_size = spec.value_size = 0;
    spec.max_entries = 4096;
  }
  return spec;
}

// One map of every type, some with flags.
std::vector<MapSpec> all_kinds() {
  std::vector<MapSpec> specs;
  for (const MapTypeRow& row : map_types()) {
    specs.push_back(plain(row.type, row.rules.required_flags));
    if (row.rules.of_maps) specs.back().inner = std::make_shared<const MapSpec>(plain(MapType::kArray));
  }
  for (const std::uint32_t flags : {kMapInner, kMapMmapable, kMapReadOnlyProg}) {
    specs.push_back(plain(MapType::kArray, flags));
  }
  specs.push_back(plain(MapType::kLruHash, kMapNoCommonLru));
  specs.push_back(plain(MapType::kHash, kMapNoPrealloc));
  return specs;
}

TEST(KernelMapOfMaps, WhatMayBeInsideIsJudgedAsTheKernelDoes) {
  SLUICE_NEEDS_BPF();
  for (const MapType type : {MapType::kArrayOfMaps, MapType::kHashOfMaps}) {
    for (const MapSpec& inner : all_kinds()) {
      MapSpec outer = plain(type);
      outer.inner = std::make_shared<const MapSpec>(inner);
      SCOPED_TRACE(text(inner));
      expect_same_creation(outer);
    }
  }
}

// What stands for what: every kind of map inside a map of maps made for every other, and for those with one size
// changed.
TEST(KernelMapOfMaps, WhatStandsForWhatIsJudgedAsTheKernelDoes) {
  SLUICE_NEEDS_BPF();
  std::vector<MapSpec> candidates;
  for (const MapSpec& kind : all_kinds()) {
    if (!map_type_row(kind.type)->rules.may_be_inner) continue;
    candidates.push_back(kind);
    candidates.push_back(kind);
    candidates.back().max_entries *= 2;
    if (kind.type == MapType::kRingbuf || kind.type == MapType::kDevmap || kind.type == MapType::kDevmapHash) continue;
    candidates.push_back(kind);
    candidates.back().value_size = 8;
    std::string why;  // there are types whose values have 4 bytes, for good
    if (check_map(*map_type_row(kind.type), candidates.back(), why) != 0) candidates.pop_back();
  }
  struct Given {
    std::shared_ptr<Map> ours;
    KernelMap theirs;
  };
  std::vector<Given> given;
  for (const MapSpec& spec : candidates) {
    given.push_back({std::move(*make_map(spec, testing_support::kernel_cpus())), kernel_map(spec)});
  }
  unsigned refused = 0;
  for (const MapSpec& like : candidates) {
    MapSpec outer = plain(MapType::kArrayOfMaps);
    outer.inner = std::make_shared<const MapSpec>(like);
    const std::unique_ptr<Map> ours = std::move(*make_map(outer, testing_support::kernel_cpus()));
    const KernelMap theirs = kernel_map(outer);
    ASSERT_GE(theirs.fd(), 0) << text(like);
    for (const Given& one : given) {
      const std::uint32_t key = 1;
      const int fd = one.theirs.fd();
      const int answer =
          dynamic_cast<MapOfMaps&>(*ours).set(reinterpret_cast<const std::byte*>(&key), one.ours, UpdateMode::kAny);
      EXPECT_EQ(answer, theirs.update(&key, &fd, 0)) << text(one.ours->spec()) << " for " << text(like);
      refused += answer != 0 ? 1 : 0;
    }
  }
  EXPECT_GT(refused, candidates.size());
}

class KernelTwin : public ::testing::TestWithParam<Case> {};
// Without the cases where the kernel evicts other elements: lru_test.cc has what is promised of these.
class EvictingKernelTwin : public KernelTwin {};

TEST_P(EvictingKernelTwin, RandomOperationsAnswerAsTheKernelDoes) {
  SLUICE_NEEDS_BPF();
  Twin twin(GetParam());
  ASSERT_TRUE(twin.works()) << twin.why();
  Random random(environment("SLUICE_MAP_SEED", 11));
  const std::uint64_t asked = environment("SLUICE_MAP_OPERATIONS", 20'000);
  // Of these the kernel waits for its programs, or makes a thread, each time.
  const bool slow = GetParam().spec.inner != nullptr || GetParam().spec.type == MapType::kCpumap;
  const std::uint64_t turns = slow ? asked / 100 : asked;
  const std::uint64_t walk_every = std::max<std::uint64_t>(100, turns / 200);
  for (std::uint64_t turn = 0; turn < turns; ++turn) {
    const Bytes key = GetParam().key(random, GetParam().spec);
    const std::uint64_t mode = random() % 3 == 0 ? random() % 4 : 0;
    const auto [ours, theirs] = random() % 5 < 3 ? twin.update(key, twin.value(random), mode) : twin.erase(key);
    ASSERT_EQ(ours, theirs) << "turn " << turn << ", mode " << mode;
    twin.expect_same_value(GetParam().key(random, GetParam().spec));
    if (turn % walk_every != 0 && turn + 1 != turns) continue;
    std::vector<Bytes> ours_keys = walk(twin.ours());
    std::vector<Bytes> their_keys = twin.their_keys();
    const MapType type = GetParam().spec.type;
    const bool own_order = type == MapType::kHash || type == MapType::kPercpuHash || type == MapType::kLruHash ||
                           type == MapType::kLruPercpuHash || type == MapType::kHashOfMaps;
    if (own_order) {
      std::ranges::sort(ours_keys);
      std::ranges::sort(their_keys);
    }
    ASSERT_EQ(ours_keys, their_keys) << "turn " << turn;
  }
  for (const Bytes& key : walk(twin.ours())) twin.expect_same_value(key);
}

TEST_P(KernelTwin, AFrozenMapRefusesAsTheKernelDoes) {
  SLUICE_NEEDS_BPF();
  Twin twin(GetParam());
  ASSERT_TRUE(twin.works()) << twin.why();
  Random random(3);
  const Bytes key = GetParam().spec.type == MapType::kLpmTrie ? Bytes(GetParam().spec.key_size) : index_key(0);
  const Bytes full_key = GetParam().key(random, GetParam().spec);
  const Bytes& used = GetParam().every_key_exists ? key : full_key;
  Bytes value = transfer_value(twin.ours(), GetParam(), random);
  const auto [ours_freeze, theirs_freeze] = twin.freeze();
  ASSERT_EQ(ours_freeze, theirs_freeze);
  const auto [ours, theirs] = twin.update(used, value, 0);
  EXPECT_EQ(ours, theirs);
  const auto [ours_erase, theirs_erase] = twin.erase(used);
  EXPECT_EQ(ours_erase, theirs_erase);
}

std::vector<Case> cases_alike() {
  std::vector<Case> alike = cases();
  std::erase_if(alike, [](const Case& test) { return test.kernel_differs; });
  return alike;
}

INSTANTIATE_TEST_SUITE_P(Alike, EvictingKernelTwin, ::testing::ValuesIn(cases_alike()),
                         [](const auto& test) { return std::string(test.param.name); });
INSTANTIATE_TEST_SUITE_P(All, KernelTwin, ::testing::ValuesIn(cases()),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace sluice::vm::testing
