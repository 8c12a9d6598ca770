// Readers and writers on every type at once, with values that prove themselves: no word, value or key is ever torn.
// Built a second time under ThreadSanitizer.
#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <cerrno>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "vm/maps/hash_function.h"
#include "vm/maps/map.h"
#include "vm/maps/words.h"

namespace sluice::vm {
namespace {

constexpr std::uint32_t kKeys = 24;  // ids 1..kKeys; few, so that everybody meets
constexpr unsigned kWords = 4;       // 8-byte words of a value
constexpr int kTurns = 20'000;
// Writers go on until each reader has met them this often, or the situation this is about cannot be brought about.
constexpr std::uint64_t kMeetings = 20;
constexpr int kMostTurns = 10'000'000;
constexpr int kYields = 64;  // turns between a waiting writer's offers of its CPU to readers

using Value = std::array<std::uint64_t, kWords>;
using Key = std::array<std::uint64_t, 3>;

// Every word tells whose it is, which write it came from, and where it stands.
std::uint64_t word(std::uint32_t id, std::uint32_t version, unsigned place) {
  return (std::uint64_t{id} << 40) | (std::uint64_t{version} << 8) | place;
}
Value value_of(std::uint32_t id, std::uint32_t version) {
  Value value{};
  for (unsigned i = 0; i < kWords; ++i) value[i] = word(id, version, i);
  return value;
}
const std::byte* bytes(const void* at) { return static_cast<const std::byte*>(at); }

bool is_word(std::uint64_t w, unsigned place) { return (w & 0xff) == place && (w >> 40) >= 1 && (w >> 40) <= kKeys; }
// Written as a whole by one update of key `id`.
bool is_whole(const Value& value, std::uint32_t id) {
  return value == value_of(id, static_cast<std::uint32_t>(value[0] >> 8));
}

Key long_key(std::uint32_t id) { return {id * 0x0101010101010101U, ~std::uint64_t{id}, id * 77U}; }
Key index_key(std::uint32_t id) { return {id - 1}; }
// A /32 for each id, all below one /8.
Key route_key(std::uint32_t id) {
  const std::array<std::uint8_t, 8> key{
      32, 0, 0, 0, 10, static_cast<std::uint8_t>(id * 37), 3, static_cast<std::uint8_t>(id)};
  Key out{};
  __builtin_memcpy(out.data(), key.data(), key.size());
  return out;
}

// Few at a time that share three bytes: the tables of the index that they are in come and go.
Key crowded_route_key(std::uint32_t id) {
  const std::array<std::uint8_t, 8> key{
      32, 0, 0, 0, 10, 1, static_cast<std::uint8_t>(id % 8), static_cast<std::uint8_t>(id * 37)};
  Key out{};
  __builtin_memcpy(out.data(), key.data(), key.size());
  return out;
}

// All keys in one chain of three buckets or more: slots move, overflow buckets come and go.
Key chained_key(std::uint32_t id) {
  static const std::vector<std::uint64_t> keys = [] {
    std::vector<std::uint64_t> found(1);
    for (std::uint64_t key = 1; found.size() <= kKeys; ++key) {
      const auto* at = reinterpret_cast<const std::uint8_t*>(&key);
      if ((hash_software(at, sizeof key, 0) & 0xff) == 0) found.push_back(key);
    }
    return found;
  }();
  return {keys[id]};
}

struct Subject {
  const char* name = "";
  MapType type = MapType::kHash;
  std::uint32_t key_size = 4;
  std::uint32_t flags = 0;
  Key (*key)(std::uint32_t id) = nullptr;
  bool publishes = false;  // an update gives a new element: `read` sees old or new whole
  std::uint32_t max_entries = kKeys;
  bool evicts = false;  // more keys than room; when others are always faster, an update may be -ENOMEM
};

class MapUnderThreads : public ::testing::TestWithParam<Subject> {
 protected:
  void SetUp() override {
    MapSpec spec;
    spec.name = GetParam().name;
    spec.type = GetParam().type;
    spec.key_size = GetParam().key_size;
    spec.value_size = sizeof(Value);
    spec.max_entries = GetParam().max_entries;
    spec.flags = GetParam().flags;
    map_ = std::move(*make_map(spec, kCpus));
    for (std::uint32_t id = 1; id <= kKeys; ++id) write(id, 0);
  }

  // On the data path, as CPU `cpu`.
  int write(std::uint32_t id, std::uint32_t version, unsigned cpu = 0) {
    const Key key = GetParam().key(id);
    const Value value = value_of(id, version);
    return map_->update(bytes(&key), bytes(&value), UpdateMode::kAny, cpu);
  }
  void writer(unsigned cpu, std::uint32_t seed) {
    std::uint32_t state = seed;
    start_.arrive_and_wait();
    for (int turn = 0; turn < kMostTurns && (turn < kTurns || !all_met()); ++turn) {
      state = state * 1664525U + 1013904223U;
      const std::uint32_t id = (state >> 16) % kKeys + 1;
      const Key key = GetParam().key(id);
      if ((state >> 8) % 4 == 0) {
        const int error = map_->erase(bytes(&key));
        if (error != 0 && error != -ENOENT && error != -EINVAL) ++faults_;
      } else {
        const int error = write(id, static_cast<std::uint32_t>(turn) & 0xffffff, cpu);
        if (error != 0 && !(error == -ENOMEM && GetParam().evicts)) ++faults_;
      }
      writes_.fetch_add(1, std::memory_order_relaxed);  // orders nothing: the maps must do that
      if (turn >= kTurns && turn % kYields == 0) std::this_thread::yield();
    }
    --writers_;
  }
  bool all_met() const {
    return std::ranges::all_of(met_, [](const auto& met) { return met.load(std::memory_order_relaxed) >= kMeetings; });
  }
  void reader(unsigned cpu) {
    std::uint32_t id = 1;
    start_.arrive_and_wait();
    do {
      id = id % kKeys + 1;
      const Key key = GetParam().key(id);
      check_lookup(key, cpu);
      if (cpu == 0) check_read(key, id);
    } while (writers_ != 0);
  }
  // What a program sees: whole words, of this key unless the element was deleted and given away under its feet.
  void check_lookup(const Key& key, unsigned cpu) {
    const std::uint64_t before = writes_.load(std::memory_order_relaxed);
    const std::byte* const found = map_->lookup(bytes(&key), cpu);
    if (found == nullptr) return;
    const auto* const words = reinterpret_cast<const std::uint64_t*>(found);
    for (unsigned i = 0; i < kWords; ++i) {
      const std::uint64_t w = __atomic_load_n(&words[i], __ATOMIC_RELAXED);
      if (w != 0 && !is_word(w, i)) ++faults_;  // 0: a per-CPU value nobody wrote yet
    }
    // Somebody wrote to the map while this look-up was under way.
    if (writes_.load(std::memory_order_relaxed) != before) met_.at(cpu).fetch_add(1, std::memory_order_relaxed);
  }
  // What the control path sees: one update's value, whole.
  void check_read(const Key& key, std::uint32_t id) {
    std::array<Value, kCpus> out{};
    if (map_->read(bytes(&key), reinterpret_cast<std::byte*>(out.data())) != 0) return;
    if (GetParam().publishes && !is_whole(out[0], id)) ++faults_;
    for (unsigned i = 0; i < kWords; ++i) {
      if (out[0][i] != 0 && ((out[0][i] >> 40) != id || !is_word(out[0][i], i))) ++faults_;
    }
  }
  // next_key beside writers: ends, and gives only keys that somebody put in.
  void walker() {
    std::array<std::byte, sizeof(Key)> key{};
    start_.arrive_and_wait();
    do {
      bool more = map_->next_key(nullptr, key.data());
      for (unsigned steps = 0; more && steps < 10 * kKeys; ++steps) {
        bool known = false;
        for (std::uint32_t id = 1; id <= kKeys; ++id) {
          const Key expected = GetParam().key(id);
          known = known || __builtin_memcmp(key.data(), expected.data(), GetParam().key_size) == 0;
        }
        if (!known) ++faults_;
        more = map_->next_key(key.data(), key.data());
      }
    } while (writers_ != 0);
  }

  // Afterwards the map holds max_entries keys, none more or less.
  void expect_all_room() {
    for (std::uint32_t id = 1; id <= kKeys; ++id) {
      const Key key = GetParam().key(id);
      map_->erase(bytes(&key));
    }
    for (std::uint32_t id = 1; id <= GetParam().max_entries; ++id) EXPECT_EQ(write(id, 1), 0);
    for (std::uint32_t id = 1; id <= GetParam().max_entries; ++id) {
      const Key key = GetParam().key(id);
      EXPECT_NE(map_->lookup(bytes(&key), 0), nullptr) << id;
    }
    if (!GetParam().evicts) return;
    EXPECT_EQ(write(GetParam().max_entries + 1, 1), 0);
    unsigned found = 0;
    for (std::uint32_t id = 1; id <= kKeys; ++id) {
      const Key key = GetParam().key(id);
      found += map_->lookup(bytes(&key), 0) != nullptr ? 1 : 0;
    }
    EXPECT_EQ(found, GetParam().max_entries);
  }

  static constexpr unsigned kCpus = 2;
  std::unique_ptr<Map> map_;
  std::atomic<int> writers_{2};
  std::atomic<int> faults_{0};
  std::barrier<> start_{5};
  std::atomic<std::uint64_t> writes_{0};                 // turns of both writers
  std::array<std::atomic<std::uint64_t>, kCpus> met_{};  // look-ups of each reader that found a value beside a write
};

TEST_P(MapUnderThreads, NothingTornIsEverSeen) {
  std::array<std::thread, 5> threads;
  threads[0] = std::thread([this] { writer(0, 1); });
  threads[1] = std::thread([this] { writer(1, 2); });
  threads[2] = std::thread([this] { reader(0); });
  threads[3] = std::thread([this] { reader(1); });
  threads[4] = std::thread([this] { walker(); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(faults_, 0);
  for (const auto& met : met_) EXPECT_GE(met, kMeetings) << "this reader never ran beside the writers";
  expect_all_room();
}

INSTANTIATE_TEST_SUITE_P(
    All, MapUnderThreads,
    ::testing::Values(Subject{"array", MapType::kArray, 4, 0, index_key},
                      Subject{"percpu_array", MapType::kPercpuArray, 4, 0, index_key},
                      Subject{"hash", MapType::kHash, 24, 0, long_key, true},
                      Subject{"hash_chain", MapType::kHash, 8, kMapZeroSeed, chained_key, true},
                      Subject{"percpu_hash", MapType::kPercpuHash, 24, 0, long_key},
                      Subject{"lru_hash", MapType::kLruHash, 24, 0, long_key, true, 9, true},
                      Subject{"lru_hash_chain", MapType::kLruHash, 8, kMapZeroSeed, chained_key, true, 20, true},
                      Subject{"lru_percpu_hash", MapType::kLruPercpuHash, 24, 0, long_key, false, 9, true},
                      Subject{"lpm_trie", MapType::kLpmTrie, 8, kMapNoPrealloc, route_key, true},
                      Subject{"lpm_trie_tables", MapType::kLpmTrie, 8, kMapNoPrealloc, crowded_route_key, true},
                      Subject{"lpm_trie_large", MapType::kLpmTrie, 8, kMapNoPrealloc, crowded_route_key, true, 70'000}),
    [](const auto& test) { return std::string(test.param.name); });

// A devmap entry's port and program belong together.
class DevmapUnderThreads : public ::testing::TestWithParam<MapType> {};

TEST_P(DevmapUnderThreads, PortAndProgramAreNeverMixed) {
  MapSpec spec;
  spec.type = GetParam();
  spec.max_entries = 16;
  const std::unique_ptr<Map> map = std::move(*make_map(spec, 1));
  auto& devmap = dynamic_cast<Devmap&>(*map);
  const std::array<ProgramSlot, 8> programs{};
  std::atomic<bool> done{false};
  std::atomic<int> faults{0};
  std::atomic<std::uint64_t> writes{0};
  std::atomic<std::uint64_t> met{0};  // entries resolved beside a write
  std::barrier<> start{2};
  const auto check = [&](std::uint32_t key, const DevmapEntry& entry) {
    // Port p goes with programs[p % 8] or none; key k only ever has ports k+1 and k+9.
    const bool program_fits = entry.program == nullptr || entry.program == &programs[entry.ifindex % 8];
    if (!program_fits || (entry.ifindex != key + 1 && entry.ifindex != key + 9)) ++faults;
  };
  std::thread reader([&] {
    start.arrive_and_wait();
    do {
      DevmapEntry entry;
      for (std::uint32_t key = 0; key < 16; ++key) {
        const std::uint64_t before = writes.load(std::memory_order_relaxed);
        if (devmap.resolve(key, entry)) {
          check(key, entry);
          if (writes.load(std::memory_order_relaxed) != before) met.fetch_add(1, std::memory_order_relaxed);
        }
        const std::byte* const value = map->lookup(bytes(&key), 0);
        if (value == nullptr) continue;
        __atomic_load_n(reinterpret_cast<const std::uint64_t*>(value), __ATOMIC_RELAXED);
      }
      devmap.for_each([](void* state, std::uint32_t key,
                         const DevmapEntry& e) noexcept { (*static_cast<decltype(check)*>(state))(key, e); },
                      const_cast<void*>(static_cast<const void*>(&check)));
    } while (!done);
  });
  std::uint32_t state = 5;
  start.arrive_and_wait();
  for (int turn = 0; turn < kMostTurns && (turn < kTurns || met.load(std::memory_order_relaxed) < kMeetings); ++turn) {
    state = state * 1664525U + 1013904223U;
    const std::uint32_t key = (state >> 16) % 16;
    const std::uint32_t ifindex = key + ((state >> 8) % 2 == 0 ? 1 : 9);
    if ((state >> 9) % 4 == 0) {
      map->erase(bytes(&key));
    } else if (map->write(bytes(&key), bytes(&ifindex), UpdateMode::kAny) != 0 ||
               devmap.attach(key, &programs[ifindex % 8]) != 0) {
      ++faults;
    }
    writes.fetch_add(1, std::memory_order_relaxed);
    if (turn >= kTurns && turn % kYields == 0) std::this_thread::yield();
  }
  done = true;
  reader.join();
  EXPECT_EQ(faults, 0);
  EXPECT_GE(met, kMeetings) << "the reader never ran beside the writer";
}

INSTANTIATE_TEST_SUITE_P(All, DevmapUnderThreads, ::testing::Values(MapType::kDevmap, MapType::kDevmapHash),
                         [](const auto& test) { return std::string(map_type_name(test.param)); });

// Two threads push numbered values, two pop: none is lost, torn or seen twice, and of one pusher's values each popper
// of a queue sees ascending numbers.
class QueueUnderThreads : public ::testing::TestWithParam<MapType> {};

TEST_P(QueueUnderThreads, EveryValueComesOutOnceAndWhole) {
  constexpr std::uint64_t kValues = 20'000;  // of each pusher
  using Value = std::array<std::uint64_t, 3>;
  MapSpec spec;
  spec.type = GetParam();
  spec.key_size = 0;
  spec.value_size = sizeof(Value);
  spec.max_entries = 7;
  const std::unique_ptr<Map> map = std::move(*make_map(spec, 2));
  auto& queue = dynamic_cast<Queue&>(*map);
  std::vector<std::atomic<int>> seen(2 * kValues);
  std::atomic<std::uint64_t> left{2 * kValues};
  std::atomic<int> faults{0};
  const auto pusher = [&](std::uint64_t who) {
    for (std::uint64_t i = 0; i < kValues;) {
      const std::uint64_t number = who * kValues + i;
      const Value value{number, ~number, number * 3};
      const int error = queue.push(reinterpret_cast<const std::byte*>(value.data()), UpdateMode::kAny);
      if (error == 0) ++i;
      if (error == -E2BIG) std::this_thread::yield();
      if (error != 0 && error != -E2BIG) ++faults;
    }
  };
  const auto popper = [&] {
    std::array<std::uint64_t, 2> least{};
    while (left != 0) {
      Value value{};
      const int error = queue.pop(reinterpret_cast<std::byte*>(value.data()));
      if (error == -ENOENT && value == Value{}) {
        std::this_thread::yield();
        continue;
      }
      const std::uint64_t number = value[0];
      if (error != 0 || number >= seen.size() || value[1] != ~number || value[2] != number * 3) {
        ++faults;
        return;
      }
      if (seen[number]++ != 0) ++faults;
      if (GetParam() == MapType::kQueue && number % kValues < least[number / kValues]) ++faults;
      least[number / kValues] = number % kValues;
      --left;
    }
  };
  std::array<std::thread, 4> threads{std::thread(pusher, 0), std::thread(pusher, 1), std::thread(popper),
                                     std::thread(popper)};
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(faults, 0);
  EXPECT_TRUE(std::ranges::all_of(seen, [](const auto& count) { return count == 1; }));
}

INSTANTIATE_TEST_SUITE_P(Both, QueueUnderThreads, ::testing::Values(MapType::kQueue, MapType::kStack),
                         [](const auto& test) { return std::string(map_type_name(test.param)); });

// What a look-up in a map of maps gives is whole at once, and stays good while slots change.
class MapsOfMapsUnderThreads : public ::testing::TestWithParam<MapType> {};

TEST_P(MapsOfMapsUnderThreads, InnerMapsAreWholeAndStay) {
  constexpr std::uint32_t kSlots = 4;
  MapSpec inner;
  inner.max_entries = 1;
  inner.value_size = 8;
  MapSpec spec;
  spec.type = GetParam();
  spec.max_entries = kSlots;
  spec.inner = std::make_shared<const MapSpec>(inner);
  const std::unique_ptr<Map> map = std::move(*make_map(spec, 1));
  auto& outer = dynamic_cast<MapOfMaps&>(*map);
  std::atomic<bool> done{false};
  std::atomic<int> faults{0};
  std::atomic<std::uint64_t> writes{0};
  std::atomic<std::uint64_t> met{0};
  std::barrier<> start{2};
  std::thread reader([&] {
    start.arrive_and_wait();
    do {
      for (std::uint32_t key = 0; key < kSlots; ++key) {
        const std::uint64_t before = writes.load(std::memory_order_relaxed);
        auto* const found = reinterpret_cast<Map*>(map->lookup(bytes(&key), 0));
        if (found == nullptr) continue;
        const std::uint32_t first = 0;
        const auto* const value = reinterpret_cast<const std::uint64_t*>(found->lookup(bytes(&first), 0));
        if (__atomic_load_n(value, __ATOMIC_RELAXED) != 77) ++faults;
        if (writes.load(std::memory_order_relaxed) != before) met.fetch_add(1, std::memory_order_relaxed);
      }
    } while (!done);
  });
  start.arrive_and_wait();
  // Every map is new: the test ends before they are too many to hold.
  for (int turn = 0; turn < 5'000 || (turn < 50'000 && met.load(std::memory_order_relaxed) < kMeetings); ++turn) {
    const auto key = static_cast<std::uint32_t>(turn) % kSlots;
    if (turn % 3 == 0) {
      map->erase(bytes(&key));
    } else {
      std::shared_ptr<Map> fresh = std::move(*make_map(inner, 1));
      const std::uint32_t first = 0;
      const std::uint64_t value = 77;
      fresh->write(bytes(&first), bytes(&value), UpdateMode::kAny);
      if (outer.set(bytes(&key), std::move(fresh), UpdateMode::kAny) != 0) ++faults;
    }
    writes.fetch_add(1, std::memory_order_relaxed);
    if (turn % kYields == 0) std::this_thread::yield();
  }
  done = true;
  reader.join();
  EXPECT_EQ(faults, 0);
  EXPECT_GE(met, kMeetings) << "the reader never ran beside the writer";
}

INSTANTIATE_TEST_SUITE_P(Both, MapsOfMapsUnderThreads, ::testing::Values(MapType::kArrayOfMaps, MapType::kHashOfMaps),
                         [](const auto& test) { return std::string(map_type_name(test.param)); });

}  // namespace
}  // namespace sluice::vm
