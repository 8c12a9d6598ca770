// DPDK's tables: rte_hash, rte_lpm, rte_lpm6, rte_fib and rte_fib6, one key at a time and in bulk.
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstring>

#include <rte_byteorder.h>
#include <rte_errno.h>
#include <rte_fib.h>
#include <rte_fib6.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_lpm.h>
#include <rte_lpm6.h>
#include <rte_malloc.h>
#include <rte_memory.h>

#include "bench/maps/peer.h"
#include "dataplane/io/eal.h"

namespace sluice::bench {
namespace {

constexpr unsigned kBulk = 32;
constexpr std::uint64_t kMemory = std::uint64_t{1792} << 20;
constexpr std::uint32_t kTbl8Of4 = 1U << 16;
constexpr std::uint32_t kTbl8Of6 = 1U << 19;

Error failed(const char* what) {
  return Error{ErrorCode::kEnvironment, std::string(what) + ": " + rte_strerror(rte_errno)};
}

double heap_bytes() {
  rte_malloc_socket_stats stats{};
  rte_malloc_get_socket_stats(0, &stats);
  return static_cast<double>(stats.heap_allocsz_bytes);
}

std::uint32_t host_address(const std::uint8_t* key) {
  std::uint32_t address = 0;
  std::memcpy(&address, key, sizeof address);
  return rte_be_to_cpu_32(address);
}

// Makes each key as the table takes it and counts what comes back. A table has: Key, `key` (from bytes of the list),
// `one` (a key; the value, 0 = miss) and `bulk` (kBulk keys).
template <typename T>
class DpdkPeer final : public Peer {
 public:
  [[nodiscard]] std::string name() const override { return T::kName; }

  Result<Built> build(const Workload& workload) override {
    workload_ = &workload;
    const double before = heap_bytes();
    const double start = now();
    if (!table_.create(workload.entries.size())) return failed(T::kName);
    for (const Entry& e : workload.entries) {
      if (!table_.add(e)) return failed(T::kName);
    }
    return Built{.seconds = now() - start, .bytes = heap_bytes() - before};
  }

  std::vector<Way> ways() override {
    std::vector<Way> ways;
    ways.push_back({T::kName, [this](Work work, std::uint32_t keys, std::uint32_t lookups, std::uint32_t& sum) {
                      return work == Work::kNone ? run<1, false>(work, keys, lookups, sum)
                                                 : run<1, true>(work, keys, lookups, sum);
                    }});
    ways.push_back({.name = std::string(T::kName) + ", bulk of 32",
                    .run =
                        [this](Work work, std::uint32_t keys, std::uint32_t lookups, std::uint32_t& sum) {
                          return work == Work::kNone ? run<kBulk, false>(work, keys, lookups, sum)
                                                     : run<kBulk, true>(work, keys, lookups, sum);
                        },
                    .bulk = true});
    return ways;
  }

 private:
  template <unsigned kAtOnce, bool kLookup>
  double run(Work work, std::uint32_t keys, std::uint32_t lookups, std::uint32_t& sum) {
    constexpr std::size_t kBytes = key_bytes(T::kTable);
    const std::uint8_t* const list = workload_->keys.data();
    std::array<typename T::Key, kAtOnce> held;
    std::array<std::uint64_t, kAtOnce> values{};
    std::uint32_t total = 0;
    const double start = cpu_time();
    for (std::uint32_t i = 0; i < lookups; i += kAtOnce) {
      for (unsigned k = 0; k < kAtOnce; ++k) T::key(list + ((at_ + i + k) & (keys - 1)) * kBytes, held[k]);
      asm volatile("" : : "r"(held.data()) : "memory");
      if constexpr (kLookup && kAtOnce == 1) {
        values[0] = table_.one(held[0]);
      } else if constexpr (kLookup) {
        table_.bulk(held.data(), values.data());
      }
      asm volatile("" : : "r"(values.data()) : "memory");
      for (const std::uint64_t value : values) {
        total += work == Work::kHit ? static_cast<std::uint32_t>(value != 0) : static_cast<std::uint32_t>(value);
      }
    }
    const double ns = (cpu_time() - start) * 1e9;
    at_ += lookups;
    sum = total;
    return ns;
  }

  const Workload* workload_ = nullptr;
  T table_;
  std::uint32_t at_ = 0;
};

struct Hash {
  static constexpr const char* kName = "rte_hash";
  static constexpr Table kTable = Table::kHash;
  using Key = std::uint64_t;
  rte_hash* table = nullptr;

  ~Hash() { rte_hash_free(table); }
  bool create(std::size_t entries) {
    rte_hash_parameters parameters{};
    parameters.name = "bench";
    // All of them must find a place: chains behind full buckets, and readers beside a writer without a lock, as ours.
    parameters.entries = static_cast<std::uint32_t>(entries);
    parameters.key_len = sizeof(Key);
    parameters.hash_func = rte_hash_crc;
    parameters.extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF | RTE_HASH_EXTRA_FLAGS_EXT_TABLE;
    table = rte_hash_create(&parameters);
    return table != nullptr;
  }
  [[nodiscard]] bool add(const Entry& e) const {
    return rte_hash_add_key_data(table, e.key, reinterpret_cast<void*>(std::uintptr_t{e.value})) == 0;
  }
  static void key(const std::uint8_t* from, Key& key) { std::memcpy(&key, from, sizeof key); }
  [[nodiscard]] std::uint64_t one(const Key& key) const {
    void* data = nullptr;
    return rte_hash_lookup_data(table, &key, &data) >= 0 ? reinterpret_cast<std::uintptr_t>(data) : 0;
  }
  void bulk(const Key* keys, std::uint64_t* values) const {
    std::array<const void*, kBulk> at;
    for (unsigned i = 0; i < kBulk; ++i) at[i] = keys + i;
    std::uint64_t hits = 0;
    rte_hash_lookup_bulk_data(table, at.data(), kBulk, &hits, reinterpret_cast<void**>(values));
    for (unsigned i = 0; i < kBulk; ++i) {
      if ((hits >> i & 1) == 0) values[i] = 0;
    }
  }
};

struct Lpm {
  static constexpr const char* kName = "rte_lpm";
  static constexpr Table kTable = Table::kLpm4;
  using Key = std::uint32_t;
  rte_lpm* table = nullptr;

  ~Lpm() { rte_lpm_free(table); }
  bool create(std::size_t entries) {
    rte_lpm_config config{};
    config.max_rules = static_cast<std::uint32_t>(entries);
    config.number_tbl8s = kTbl8Of4;
    table = rte_lpm_create("bench", SOCKET_ID_ANY, &config);
    return table != nullptr;
  }
  [[nodiscard]] bool add(const Entry& e) const { return rte_lpm_add(table, host_address(e.key), e.bits, e.value) == 0; }
  static void key(const std::uint8_t* from, Key& key) { key = host_address(from); }
  [[nodiscard]] std::uint64_t one(Key key) const {
    std::uint32_t hop = 0;
    return rte_lpm_lookup(table, key, &hop) == 0 ? hop : 0;
  }
  void bulk(const Key* keys, std::uint64_t* values) const {
    std::array<std::uint32_t, kBulk> hops;
    rte_lpm_lookup_bulk(table, keys, hops.data(), kBulk);
    for (unsigned i = 0; i < kBulk; ++i) {
      values[i] = (hops[i] & RTE_LPM_LOOKUP_SUCCESS) != 0 ? hops[i] & 0xffffffU : 0;
    }
  }
};

struct Fib {
  static constexpr const char* kName = "rte_fib";
  static constexpr Table kTable = Table::kLpm4;
  using Key = std::uint32_t;
  rte_fib* table = nullptr;

  ~Fib() { rte_fib_free(table); }
  bool create(std::size_t entries) {
    rte_fib_conf config{};
    config.type = RTE_FIB_DIR24_8;
    config.max_routes = static_cast<int>(entries);
    config.dir24_8.nh_sz = RTE_FIB_DIR24_8_4B;
    config.dir24_8.num_tbl8 = kTbl8Of4 / 2;
    table = rte_fib_create("bench", SOCKET_ID_ANY, &config);
    return table != nullptr;
  }
  [[nodiscard]] bool add(const Entry& e) const { return rte_fib_add(table, host_address(e.key), e.bits, e.value) == 0; }
  static void key(const std::uint8_t* from, Key& key) { key = host_address(from); }
  // There is no other way to ask for one.
  [[nodiscard]] std::uint64_t one(Key key) const {
    std::uint64_t value = 0;
    rte_fib_lookup_bulk(table, &key, &value, 1);
    return value;
  }
  void bulk(Key* keys, std::uint64_t* values) const { rte_fib_lookup_bulk(table, keys, values, kBulk); }
};

struct Address6 {
  std::uint8_t bytes[16];
};
using Addresses6 = std::uint8_t (*)[16];

struct Lpm6 {
  static constexpr const char* kName = "rte_lpm6";
  static constexpr Table kTable = Table::kLpm6;
  using Key = Address6;
  rte_lpm6* table = nullptr;

  ~Lpm6() { rte_lpm6_free(table); }
  bool create(std::size_t entries) {
    rte_lpm6_config config{};
    config.max_rules = static_cast<std::uint32_t>(entries);
    config.number_tbl8s = kTbl8Of6;
    table = rte_lpm6_create("bench", SOCKET_ID_ANY, &config);
    return table != nullptr;
  }
  [[nodiscard]] bool add(const Entry& e) const { return rte_lpm6_add(table, e.key, e.bits, e.value) == 0; }
  static void key(const std::uint8_t* from, Key& key) { std::memcpy(key.bytes, from, sizeof key.bytes); }
  [[nodiscard]] std::uint64_t one(const Key& key) const {
    std::uint32_t hop = 0;
    return rte_lpm6_lookup(table, key.bytes, &hop) == 0 ? hop : 0;
  }
  void bulk(Key* keys, std::uint64_t* values) const {
    std::array<std::int32_t, kBulk> hops;
    rte_lpm6_lookup_bulk_func(table, reinterpret_cast<Addresses6>(keys), hops.data(), kBulk);
    for (unsigned i = 0; i < kBulk; ++i) values[i] = hops[i] >= 0 ? static_cast<std::uint64_t>(hops[i]) : 0;
  }
};

struct Fib6 {
  static constexpr const char* kName = "rte_fib6";
  static constexpr Table kTable = Table::kLpm6;
  using Key = Address6;
  rte_fib6* table = nullptr;

  ~Fib6() { rte_fib6_free(table); }
  bool create(std::size_t entries) {
    rte_fib6_conf config{};
    config.type = RTE_FIB6_TRIE;
    config.max_routes = static_cast<int>(entries);
    config.trie.nh_sz = RTE_FIB6_TRIE_4B;
    config.trie.num_tbl8 = kTbl8Of6;
    table = rte_fib6_create("bench", SOCKET_ID_ANY, &config);
    return table != nullptr;
  }
  [[nodiscard]] bool add(const Entry& e) const { return rte_fib6_add(table, e.key, e.bits, e.value) == 0; }
  static void key(const std::uint8_t* from, Key& key) { std::memcpy(key.bytes, from, sizeof key.bytes); }
  [[nodiscard]] std::uint64_t one(Key& key) const {
    std::uint64_t value = 0;
    rte_fib6_lookup_bulk(table, &key.bytes, &value, 1);
    return value;
  }
  void bulk(Key* keys, std::uint64_t* values) const {
    rte_fib6_lookup_bulk(table, reinterpret_cast<Addresses6>(keys), values, kBulk);
  }
};

// DPDK's memory in huge pages also where the machine has set none aside: piece by piece other memory comes in its place
// that the kernel makes of huge pages. DPDK's other threads sleep meanwhile.
int make_huge(const rte_memseg_list*, const rte_memseg* segment, size_t bytes, void*) {
  constexpr std::size_t kPiece = std::size_t{64} << 20;
  std::vector<char> kept(kPiece);
  auto* const start = static_cast<char*>(segment->addr);
  for (std::size_t at = 0; at < bytes; at += kPiece) {
    const std::size_t size = std::min(kPiece, bytes - at);
    std::memcpy(kept.data(), start + at, size);
    if (mmap(start + at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) {
      return -1;  // and DPDK's memory has a hole
    }
    madvise(start + at, size, MADV_HUGEPAGE);
    std::memcpy(start + at, kept.data(), size);
  }
  return 0;
}

}  // namespace

Result<void> start_dpdk() {
  static std::vector<io::Eal> running;  // until the process ends
  auto eal = io::Eal::start({.memory_bytes = kMemory});
  if (!eal) return std::move(eal).error();
  if (!eal->has_huge_pages() && rte_memseg_contig_walk(make_huge, nullptr) != 0) {
    return Error{ErrorCode::kEnvironment, "DPDK's memory cannot be made of huge pages"};
  }
  running.push_back(std::move(*eal));
  return {};
}

std::vector<std::unique_ptr<Peer>> make_dpdk(Table table) {
  std::vector<std::unique_ptr<Peer>> peers;
  switch (table) {
    case Table::kHash: peers.push_back(std::make_unique<DpdkPeer<Hash>>()); break;
    case Table::kLpm4:
      peers.push_back(std::make_unique<DpdkPeer<Lpm>>());
      peers.push_back(std::make_unique<DpdkPeer<Fib>>());
      break;
    case Table::kLpm6:
      peers.push_back(std::make_unique<DpdkPeer<Lpm6>>());
      peers.push_back(std::make_unique<DpdkPeer<Fib6>>());
      break;
  }
  return peers;
}

}  // namespace sluice::bench
