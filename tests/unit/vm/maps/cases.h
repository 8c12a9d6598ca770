#pragma once
// What the shared tests of maps need to know of each type: specs, keys, values, and the oracle (a std::map with the
// type's rules). A type of the registry without a row here fails the contract test.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "vm/maps/map.h"

namespace sluice::vm::testing {

using Bytes = std::vector<std::byte>;
using Random = std::mt19937_64;

inline Bytes bytes_of(const void* from, std::size_t size) {
  Bytes bytes(size);
  std::memcpy(bytes.data(), from, size);
  return bytes;
}
inline Bytes index_key(std::uint32_t index) { return bytes_of(&index, sizeof index); }

// What the environment says, for runs by hand: a million operations take up to a minute a map.
inline std::uint64_t environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

constexpr unsigned kCpus = 3;

// What the map should hold and answer.
class Oracle {
 public:
  virtual ~Oracle() = default;
  virtual int update(const Bytes& key, const Bytes& value, std::uint64_t mode) = 0;
  virtual int erase(const Bytes& key) = 0;
  // The value a look-up gives, or null.
  [[nodiscard]] virtual const Bytes* lookup(const Bytes& key) const = 0;
  [[nodiscard]] const std::map<Bytes, Bytes>& all() const { return all_; }

 protected:
  std::map<Bytes, Bytes> all_;
};

struct Case {
  const char* name = "";
  MapSpec spec;
  Bytes (*key)(Random& random, const MapSpec& spec) = nullptr;   // out of a universe larger than max_entries
  Bytes (*value)(Random& random, std::uint32_t size) = nullptr;  // of spec.value_size bytes
  std::unique_ptr<Oracle> (*oracle)(const MapSpec& spec, std::uint32_t transfer) = nullptr;
  bool every_key_exists = false;  // next_key gives all indices, values or not
  bool kernel_differs = false;    // in which elements go: the kernel evicts before an LRU map is full
};

// One or more for every type that has keys.
const std::vector<Case>& cases();

// QUEUE and STACK: without keys, so without an oracle of this kind (queue_test.cc has theirs).
const std::vector<Case>& queue_cases();

// A map of the case for kCpus CPUs.
std::unique_ptr<Map> make(const Case& test);
// The value in the form `Map::write` takes: per-CPU types get a different one for each CPU.
Bytes transfer_value(const Map& map, const Case& test, Random& random);
// Writes through the control path: `write`, or for a prog array or map of maps `set` with a program or map numbered by
// the value.
int put(Map& map, const Bytes& key, const Bytes& value, std::uint64_t mode);
// Whether values are programs or maps, which the oracle numbers 1..kNumbered.
bool is_numbered(const Map& map);
constexpr std::uint32_t kNumbered = 4;
// The keys next_key walks over, from the start. Stops the test when it does not end.
std::vector<Bytes> walk(const Map& map);

}  // namespace sluice::vm::testing
