// Random operations on one map of every type, by programs and by user space, in the running kernel, the interpreter and
// the JIT: every answer is the same, and so are the contents at the end.
//
// SLUICE_MAP_OPERATIONS says how many a map, SLUICE_MAP_SEED which; README.md has the command for a million.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <map>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "dataplane/kernel/peer.h"
#include "tests/kernel/map_players.h"
#include "tests/kernel/map_programs.h"
#include "tests/support/kernel_perf.h"
#include "tests/unit/vm/maps/cases.h"

namespace sluice::kernel {
namespace {

using vm::MapSpec;
using vm::MapType;
using vm::testing::environment;
using vm::testing::Random;
using Op = Operation;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kOperations = 30'000;
#else
constexpr std::uint64_t kOperations = 100'000;
#endif

using MakeKey = std::function<Bytes(Random& random, const MapSpec& spec)>;
using MakeValue = Bytes (*)(Random& random, std::uint32_t size);
using MakeArgument = std::uint64_t (*)(Random& random);

struct Row {
  std::string name;
  MapSpec spec;
  MakeKey key;                // null: there are none
  MakeValue value = nullptr;  // of what user space writes
  std::vector<Operation> operations;
  Values values = Values::kBytes;
  unsigned every = 1;           // runs between operations by user space, where the kernel takes long over these
  std::uint32_t perf_ring = 0;  // bytes

  // Of a record; as the map's unless said.
  std::uint32_t record_key = 0, record_value = 0;
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

Bytes number(std::uint64_t value, std::size_t bytes = 4) {
  Bytes all(bytes);
  std::memcpy(all.data(), &value, std::min(bytes, sizeof value));
  return all;
}
Bytes any_bytes(Random& random, std::uint32_t size) {
  Bytes all(size);
  for (std::uint32_t at = 0; at < size; at += 8) {
    const std::uint64_t word = random();
    std::memcpy(all.data() + at, &word, std::min(8U, size - at));
  }
  return all;
}
Bytes small_key(Random& random, const MapSpec& spec) { return number(random() % (spec.max_entries + 2)); }
// One of few keys that `make` gives, half of the time: wide ones would never meet.
MakeKey often(MakeKey make) {
  return [make = std::move(make)](Random& random, const MapSpec& spec) {
    if (random() % 2 == 0) return make(random, spec);
    Random fixed(random() % 40);
    return make(fixed, spec);
  };
}
// Values out of so few that a filter which was given all of them still misses what it was not given.
Bytes few_values(Random& random, std::uint32_t size) {
  Random fixed(random() % 64);
  return any_bytes(fixed, size);
}
Bytes socket_value(Random& random, std::uint32_t) { return number(random() % (kNumbered + 1)); }
// The loopback device or none; the descriptor of a program that is none, or no program's.
Bytes device_value(Random& random, std::uint32_t size) {
  Bytes value = number(random() % 4 == 0 ? 0 : 1, size);
  if (size == 8 && random() % 8 == 0) std::memset(value.data() + 4, 0xff, 4);
  if (size == 8 && random() % 16 == 0) value[4] = std::byte{0x7f};
  return value;
}

std::uint64_t mode(Random& random) { return random() % 3 == 0 ? random() % 6 : 0; }
std::uint64_t redirect_flags(Random& random) {
  constexpr std::uint64_t kSome[] = {4, 5, 7, 8, 11, 16, 24, 32, 1U << 31, std::uint64_t{1} << 40};
  return random() % 4 != 0 ? random() % 4 : kSome[random() % std::size(kSome)];
}
std::uint64_t ring_flags(Random& random) {
  constexpr std::uint64_t kSome[] = {4, 8, 16, std::uint64_t{1} << 33};
  return random() % 8 != 0 ? random() % 4 : kSome[random() % std::size(kSome)];
}
std::uint64_t reserve_flags(Random& random) { return random() % 12 == 0 ? random() % 5 : 0; }
std::uint64_t query(Random& random) { return random() % 6; }
std::uint64_t cpu(Random& random) { return random() % (possible_cpus() + 2); }
// A slot or the CPU's own, and how much of the frame, now and then too much or with bits that mean nothing.
std::uint64_t perf_flags(Random& random) {
  const std::uint64_t slot = random() % 3 == 0 ? random() % 6 : 0xffffffffU;
  std::uint64_t of_frame = random() % 2 == 0 ? 0 : random() % 300;
  if (random() % 16 == 0) of_frame = random() % 0x100000;
  return slot | of_frame << 32 | (random() % 16 == 0 ? std::uint64_t{1} << (52 + random() % 12) : 0);
}

MakeArgument argument_of(Operation operation) {
  switch (operation) {
    case Op::kLookupPercpu: return cpu;
    case Op::kRedirect: return redirect_flags;
    case Op::kRingOutput: return ring_flags;
    case Op::kRingSubmit:
    case Op::kRingDiscard: return reserve_flags;
    case Op::kRingQuery: return query;
    case Op::kPerfOutput: return perf_flags;
    case Op::kLookup:
    case Op::kHasSocket:
    case Op::kPoke:
    case Op::kUpdate:
    case Op::kDelete:
    case Op::kPush:
    case Op::kPop:
    case Op::kPeek:
    case Op::kContains:
    case Op::kInnerLookup:
    case Op::kInnerUpdate:
    case Op::kInnerDelete:
    case Op::kRingTwo:
    case Op::kRingLarge: return mode;
  }
  return mode;
}

// --- the rows ---

std::vector<Operation> operations_on(MapType type) {
  switch (type) {
    case MapType::kArray:
    case MapType::kHash:
    case MapType::kLruHash:
    case MapType::kLpmTrie: return {Op::kLookup, Op::kPoke, Op::kUpdate, Op::kDelete};
    case MapType::kPercpuArray:
    case MapType::kPercpuHash:
    case MapType::kLruPercpuHash: return {Op::kLookup, Op::kPoke, Op::kUpdate, Op::kDelete, Op::kLookupPercpu};
    case MapType::kArrayOfMaps:
    case MapType::kHashOfMaps: return {Op::kInnerLookup, Op::kInnerUpdate, Op::kInnerDelete};
    case MapType::kDevmap:
    case MapType::kDevmapHash: return {Op::kLookup, Op::kRedirect};
    case MapType::kCpumap: return {Op::kRedirect};
    case MapType::kXskmap: return {Op::kHasSocket, Op::kRedirect};
    case MapType::kQueue:
    case MapType::kStack: return {Op::kPush, Op::kPop, Op::kPeek};
    case MapType::kBloomFilter: return {Op::kPush, Op::kContains};
    case MapType::kRingbuf:
      return {Op::kRingOutput, Op::kRingSubmit, Op::kRingDiscard, Op::kRingTwo, Op::kRingLarge, Op::kRingQuery};
    case MapType::kPerfEventArray: return {Op::kPerfOutput};
    case MapType::kProgArray: return {};  // chain_text
  }
  return {};
}

Row row_of(const vm::testing::Case& test) {
  Row row{.name = test.name, .spec = test.spec, .key = test.key, .value = test.value};
  row.operations = operations_on(test.spec.type);
  switch (test.spec.type) {
    case MapType::kArrayOfMaps:
    case MapType::kHashOfMaps:
      row.values = Values::kMaps;
      row.record_value = 16;  // inner key and value
      row.every = 1000;       // the kernel waits until no program runs
      break;
    case MapType::kProgArray: row.values = Values::kPrograms; break;
    case MapType::kLpmTrie: row.key = often(test.key); break;
    case MapType::kDevmap:
    case MapType::kDevmapHash: row.value = device_value; break;
    case MapType::kCpumap: row.every = 500; break;  // a thread each time
    default: break;
  }
  if (test.spec.inner != nullptr) row.spec.inner = std::make_shared<const MapSpec>(*test.spec.inner);
  return row;
}

std::vector<Row> rows() {
  std::vector<Row> all;
  for (const vm::testing::Case& test : vm::testing::cases()) {
    if (!test.kernel_differs) all.push_back(row_of(test));
  }
  for (const vm::testing::Case& test : vm::testing::queue_cases()) all.push_back(row_of(test));
  const auto add = [&](Row row) {
    row.operations = operations_on(row.spec.type);
    all.push_back(std::move(row));
  };
  for (const std::uint32_t size : {8U, 13U}) {
    add({.name = fmt::format("bloom_filter_{}", size),
         .spec = {.name = "seen",
                  .type = MapType::kBloomFilter,
                  .key_size = 0,
                  .value_size = size,
                  .max_entries = 1'000'000},
         .value = few_values});
  }
  add({.name = "xskmap",
       .spec = {.name = "sockets", .type = MapType::kXskmap, .max_entries = 8},
       .key = small_key,
       .value = socket_value,
       .values = Values::kSockets});
  for (const std::uint32_t bytes : {4096U, 65536U}) {
    add({.name = fmt::format("ringbuf_{}", bytes),
         .spec = {.name = "ring", .type = MapType::kRingbuf, .key_size = 0, .value_size = 0, .max_entries = bytes},
         .every = bytes / 2048,  // so seldom read that it fills
         .record_key = 8});
  }
  add({.name = "perf_event_array",
       .spec = {.name = "events", .type = MapType::kPerfEventArray, .max_entries = 4},
       .perf_ring = 4096,
       .record_key = 4});
  return all;
}

// --- one map, three players ---

std::string hex(const Bytes& bytes) {
  std::string text;
  for (const std::byte b : bytes) text += fmt::format("{:02x}", std::to_integer<unsigned>(b));
  return text;
}

class MapOperations : public ::testing::TestWithParam<Row> {
 protected:
  void SetUp() override {
    if (const std::string why = unavailable(); !why.empty()) GTEST_SKIP() << why;
    ASSERT_TRUE(here_.pinned());
    const Row& row = GetParam();
    layout_.key = row.record_key != 0 ? row.record_key : row.spec.key_size;
    layout_.value = row.record_value != 0 ? row.record_value : row.spec.value_size;
    layout_.records = std::min(32U, (3400 - RecordLayout::kData) / layout_.size());
    PlayerSetup setup{.spec = row.spec, .values = row.values, .perf_ring = row.perf_ring};
    if (is_chain()) {
      for (unsigned n = 1; n <= kNumbered; ++n) setup.programs.push_back(chain_text(n));
    } else {
      const bool needs_data = row.spec.type == MapType::kRingbuf || row.spec.type == MapType::kPerfEventArray;
      setup.programs.push_back(program_text(layout_, row.operations, needs_data));
    }
    auto kernel = kernel_player(setup);
    if (!kernel && kernel.error().code == ErrorCode::kEnvironment) GTEST_SKIP() << kernel.error().message;
    ASSERT_TRUE(kernel) << kernel.error().message;
    kernel_ = std::move(*kernel);
    for (const pipeline::Engine engine : {pipeline::Engine::kInterp, pipeline::Engine::kJit}) {
      auto player = sluice_player(setup, engine);
      ASSERT_TRUE(player) << player.error().message;
      ours_.push_back(std::move(*player));
    }
  }

  [[nodiscard]] bool is_chain() const { return GetParam().spec.type == MapType::kProgArray; }
  Bytes key() { return !GetParam().key ? Bytes{} : GetParam().key(random_, GetParam().spec); }

  // What user space writes: for per-CPU types a value for each CPU.
  Bytes value() {
    const Row& row = GetParam();
    if (!percpu()) return row.value(random_, row.spec.value_size);
    Bytes all;
    for (unsigned cpu = 0; cpu < possible_cpus(); ++cpu) {
      Bytes one = row.value(random_, row.spec.value_size);
      one.resize(stride());
      all.insert(all.end(), one.begin(), one.end());
    }
    return all;
  }
  [[nodiscard]] bool percpu() const {
    const MapType type = GetParam().spec.type;
    return type == MapType::kPercpuArray || type == MapType::kPercpuHash || type == MapType::kLruPercpuHash;
  }
  [[nodiscard]] std::size_t stride() const { return (GetParam().spec.value_size + 7) / 8 * 8; }
  [[nodiscard]] Bytes room() const {
    return Bytes(percpu() ? possible_cpus() * stride() : std::max(4U, GetParam().spec.value_size));
  }
  // What lies behind each CPU's value is nobody's.
  void clear_padding(Bytes& value) const {
    if (!percpu()) return;
    for (std::size_t at = 0; at < value.size(); at += stride()) {
      std::fill(value.begin() + static_cast<std::ptrdiff_t>(at + GetParam().spec.value_size),
                value.begin() + static_cast<std::ptrdiff_t>(at + stride()), std::byte{0});
    }
  }

  // Every record asks for something.
  Bytes frame() {
    const Row& row = GetParam();
    if (is_chain()) return chain_frame();
    Bytes all = any_bytes(random_, layout_.frame());
    for (std::uint32_t i = 0; i < layout_.records; ++i) {
      std::byte* const record = all.data() + RecordLayout::kData + i * layout_.size();
      const std::size_t operation = random_() % row.operations.size();
      record[0] = static_cast<std::byte>(operation);
      const std::uint64_t argument = argument_of(row.operations[operation])(random_);
      std::memcpy(record + RecordLayout::kArgument, &argument, sizeof argument);
      if (row.key) std::ranges::copy(key(), record + RecordLayout::kKey);
      if (row.values == Values::kMaps) {
        record[layout_.value_at()] = static_cast<std::byte>(random_() % 4);  // so few inner keys that they meet
        std::memset(record + layout_.value_at() + 1, 0, 3);
      } else if (row.spec.type == MapType::kBloomFilter) {
        std::ranges::copy(row.value(random_, layout_.value), record + layout_.value_at());
      }
    }
    return all;
  }
  Bytes chain_frame() {
    Bytes all(kChainFrame);
    for (std::uint32_t i = kChainList; i < kChainFrame; ++i) all[i] = key().front();
    return all;
  }

  void run() {
    Bytes given = frame();
    Bytes theirs = given;
    const std::int64_t verdict = kernel_->run(theirs);
    ASSERT_GE(verdict, 0) << "the kernel does not run it";
    operations_ += is_chain() ? std::to_integer<unsigned>(theirs[0]) : layout_.records;
    note(theirs);
    for (const auto& player : ours_) {
      Bytes mine = given;
      ASSERT_EQ(player->run(mine), verdict) << hex(given);
      if (mine == theirs) continue;
      expect_same_records(mine, theirs);
      ASSERT_EQ(hex(mine), hex(theirs));
    }
  }
  // Says which record differs.
  void expect_same_records(const Bytes& ours, const Bytes& theirs) {
    for (std::uint32_t i = 0; i < layout_.records && !is_chain(); ++i) {
      const auto part = [&](const Bytes& all) {
        const auto from = all.begin() + RecordLayout::kData + i * layout_.size();
        return hex(Bytes(from, from + layout_.size()));
      };
      ASSERT_EQ(part(ours), part(theirs)) << "record " << i;
    }
  }
  // Which answers there were, so that a test that sees but one kind of them fails.
  void note(const Bytes& frame) {
    if (is_chain()) return void(answers_[0].insert(std::to_integer<int>(frame[0])));
    for (std::uint32_t i = 0; i < layout_.records; ++i) {
      const std::byte* const record = frame.data() + RecordLayout::kData + i * layout_.size();
      std::int32_t result = 0;
      std::memcpy(&result, record + RecordLayout::kResult, sizeof result);
      if (auto& seen = answers_[std::to_integer<unsigned>(record[0])]; seen.size() < 16) seen.insert(result);
    }
  }

  // One operation of user space.
  void operate() {
    const Row& row = GetParam();
    if (row.value == nullptr) return drain(random_() % 40);
    const std::uint64_t choice = random_() % 8;
    const Bytes at = key();
    ++operations_;
    if (choice < 4) {
      const Bytes v = value();
      const std::uint64_t how = mode(random_);
      const int theirs = kernel_->update(at, v, how);
      for (const auto& player : ours_) ASSERT_EQ(player->update(at, v, how), theirs) << "mode " << how << hex(at);
    } else if (choice < 6 && row.key) {
      const int theirs = kernel_->erase(at);
      for (const auto& player : ours_) ASSERT_EQ(player->erase(at), theirs) << hex(at);
    } else if (choice == 6 && !own_order() && row.key) {
      expect_same_next(random_() % 8 == 0 ? Bytes{} : at);
    } else if (is_queue() && choice == 7) {
      expect_same_value([](MapPlayer& player, Bytes& out) { return player.take(out); });
    } else {
      expect_same_read(at);
    }
  }
  [[nodiscard]] bool is_queue() const {
    return GetParam().spec.type == MapType::kQueue || GetParam().spec.type == MapType::kStack;
  }
  [[nodiscard]] bool own_order() const {
    const MapType type = GetParam().spec.type;
    return type == MapType::kHash || type == MapType::kPercpuHash || type == MapType::kLruHash ||
           type == MapType::kLruPercpuHash || type == MapType::kHashOfMaps;
  }

  void expect_same_read(const Bytes& at) {
    const bool looked_for = GetParam().spec.type == MapType::kBloomFilter;
    const Bytes given = looked_for ? value() : room();
    expect_same_value([&](MapPlayer& player, Bytes& out) {
      if (looked_for) out = given;
      return player.read(at, out);
    });
  }
  template <typename Read>
  void expect_same_value(Read read) {
    Bytes theirs = room();
    const int error = read(*kernel_, theirs);
    for (const auto& player : ours_) {
      Bytes mine = room();
      ASSERT_EQ(read(*player, mine), error);
      if (error != 0) continue;
      clear_padding(mine);
      clear_padding(theirs);
      ASSERT_EQ(hex(mine), hex(theirs));
    }
  }
  void expect_same_next(const Bytes& at) {
    Bytes theirs(GetParam().spec.key_size);
    const int error = kernel_->next_key(at, theirs);
    for (const auto& player : ours_) {
      Bytes mine(theirs.size());
      ASSERT_EQ(player->next_key(at, mine), error) << hex(at);
      if (error == 0) {
        ASSERT_EQ(hex(mine), hex(theirs)) << hex(at);
      }
    }
  }

  void drain(std::size_t most) {
    const auto theirs = kernel_->drain(most);
    records_ += theirs.size();
    for (const auto& player : ours_) {
      const auto mine = player->drain(most);
      ASSERT_EQ(mine.size(), theirs.size());
      for (std::size_t i = 0; i < mine.size(); ++i) ASSERT_TRUE(alike(mine[i], theirs[i])) << "record " << i;
    }
  }

  // Keys in their order, or sorted where the order is the map's own.
  std::vector<Bytes> keys_of(MapPlayer& player) const {
    std::vector<Bytes> keys;
    Bytes next(GetParam().spec.key_size);
    for (Bytes at; keys.size() < 100'000 && player.next_key(at, next) == 0; at = next) keys.push_back(next);
    if (own_order()) std::ranges::sort(keys);
    return keys;
  }
  void expect_same_contents() {
    const Row& row = GetParam();
    if (row.value == nullptr) return drain(SIZE_MAX);
    for (unsigned i = 0; is_queue() && i <= row.spec.max_entries; ++i) {
      expect_same_value([](MapPlayer& player, Bytes& out) { return player.take(out); });
    }
    for (unsigned i = 0; row.spec.type == MapType::kBloomFilter && i < 1000; ++i) expect_same_read({});
    if (!row.key) return;
    const std::vector<Bytes> theirs = keys_of(*kernel_);
    for (const auto& player : ours_) ASSERT_EQ(keys_of(*player), theirs);
    for (const Bytes& each : theirs) expect_same_read(each);
  }

  testing_support::OnFirstCpu here_;
  Random random_{environment("SLUICE_MAP_SEED", 21)};
  RecordLayout layout_;
  std::unique_ptr<MapPlayer> kernel_;
  std::vector<std::unique_ptr<MapPlayer>> ours_;
  std::uint64_t operations_ = 0, records_ = 0;
  std::map<std::size_t, std::set<std::int32_t>> answers_;  // by operation
};

TEST_P(MapOperations, AnswerAsTheKernelDoes) {
  const Row& row = GetParam();
  const std::uint64_t turns = environment("SLUICE_MAP_OPERATIONS", kOperations);
  for (std::uint64_t runs = 0; operations_ < turns; ++runs) {
    for (unsigned i = 0; runs % row.every == 0 && i < 4; ++i) {
      operate();
      if (HasFatalFailure()) FAIL() << "user space, after " << operations_ << " operations";
    }
    run();
    if (HasFatalFailure()) FAIL() << "run " << runs << ", after " << operations_ << " operations";
  }
  expect_same_contents();
  RecordProperty("operations", std::to_string(operations_));
  if (row.value == nullptr) {
    EXPECT_GT(records_, operations_ / 100);
  }
  for (const auto& [operation, seen] : answers_) {
    const bool is_array = row.spec.type == MapType::kArray || row.spec.type == MapType::kPercpuArray;
    if (is_array && row.operations[operation] == Op::kDelete) continue;  // -EINVAL whatever the key
    EXPECT_GE(seen.size(), 2U) << "operation " << operation << " always answers " << *seen.begin();
  }
}

INSTANTIATE_TEST_SUITE_P(On, MapOperations, ::testing::ValuesIn(rows()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace sluice::kernel
