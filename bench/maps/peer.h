#pragma once
// What bench/maps compares: peers that build one table from the same entries and are then asked for the same keys.
// One thread.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "vm/maps/map.h"

namespace sluice::bench {

enum class Table : std::uint8_t { kHash, kLpm4, kLpm6 };

constexpr std::uint32_t kMostKeys = 1U << 20;  // of a list of keys; as in map_lookup.bpf.c
constexpr std::uint32_t kStep = 1024;          // look-ups in one run of a program; likewise

// Keys are what programs hash or take for an address in network order: 8, 4 or 16 bytes.
constexpr std::size_t key_bytes(Table table) { return table == Table::kHash ? 8 : table == Table::kLpm4 ? 4 : 16; }

struct Entry {
  std::uint8_t key[16] = {};
  std::uint8_t bits = 0;    // of a prefix
  std::uint16_t value = 0;  // from 1: every peer can hold it, and 0 is a miss
};

struct Workload {
  std::string name;
  Table table = Table::kHash;
  std::vector<Entry> entries;      // no two alike
  std::vector<std::uint8_t> keys;  // key_bytes each, one behind the other; kMostKeys of them
};
Workload make_hash(std::uint32_t entries);
// Prefixes with lengths, and nested, about as in the routing tables of the Internet of 2024.
Workload make_lpm4(std::uint32_t entries);
Workload make_lpm6(std::uint32_t entries);
// The entry as a key of its map, `bits` of 32 or 128 before an address; 8, 8 or 20 bytes.
void write_key(Table table, const std::uint8_t* key, std::uint32_t bits, std::byte* out);

// What is done with each key. kNone: all but the look-up, to be subtracted.
enum class Work : std::uint8_t { kNone, kHit, kValue };

// One way to look keys up. `run` asks for `lookups` keys (a multiple of kStep), in order, of the first `keys` (a power
// of two) of the list, from the start again behind the last of them, going on where it stopped; it returns the ns they
// took in all. `sum` gets the number of hits, or the sum of the values, modulo 2^32: of the last kStep look-ups at
// least, of all where `sums_all`.
struct Way {
  std::string name;
  std::function<Result<double>(Work work, std::uint32_t keys, std::uint32_t lookups, std::uint32_t& sum)> run;
  bool sums_all = true;
  bool bulk = false;  // many keys a call, so that the memory each waits for is asked for together
};

struct Built {
  double seconds = 0;
  double bytes = 0;
};

class Peer {
 public:
  virtual ~Peer() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  virtual Result<Built> build(const Workload& workload) = 0;
  // After build; they die with the peer. The workload must live as long.
  virtual std::vector<Way> ways() = 0;
};

// bench/maps/{sluice,kernel,dpdk}.cc. `object`: path of map_lookup.bpf.o.
std::unique_ptr<Peer> make_sluice(const std::string& object);
std::unique_ptr<Peer> make_kernel(const std::string& object);
// The DPDK tables for a kind of workload, by name; memory comes from the EAL, which start_dpdk has started.
Result<void> start_dpdk();
std::vector<std::unique_ptr<Peer>> make_dpdk(Table table);

// The programs of an object with the maps they need; the table's map gets `entries`.
struct Program {
  vm::LoadedProgram program;  // bound
  std::shared_ptr<vm::Map> table, keys;
};
// kNone, kHit and kValue of a kind of table, in this order, all on the same maps.
Result<std::vector<Program>> load_programs(const std::string& object, Table table, std::uint32_t entries);
// The keys map's value: as in map_lookup.bpf.c.
struct KeyList {
  std::uint32_t at = 0, mask = 0, zero = 0, unused = 0;
  std::uint8_t bytes[std::size_t{kMostKeys} * 16];
};

double now();                // seconds, of a clock that only goes on
double cpu_time();           // seconds this thread ran, in the kernel too: other processes on the CPU do not count
double resident_bytes();     // of this process
double huge_bytes();         // of them in huge pages
std::string load_average();  // as in /proc/loadavg, three numbers

}  // namespace sluice::bench
