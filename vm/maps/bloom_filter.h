#pragma once
// BLOOM_FILTER: values that were pushed are found by peek, each time; others now and then (kernel
// Documentation/bpf/map_bloom_filter.rst). `max_entries` is how many are meant to be in it, MapSpec::extra how many
// bits each sets (0 = 5). Threads: as vm/maps/map.h says.
#include "vm/maps/hash_function.h"
#include "vm/maps/map.h"
#include "vm/maps/map_memory.h"

namespace sluice::vm {

class BloomFilter final : public Queue {
 public:
  static Result<std::unique_ptr<Map>> make(const MapSpec& spec, unsigned cpus);

  // 0, or -EINVAL: only kAny.
  int push(const std::byte* value, UpdateMode mode) noexcept override;
  int pop(std::byte* value) noexcept override;  // -EOPNOTSUPP: nothing leaves it
  // 0 when `value`, which is read, may have been pushed; -ENOENT when it was not.
  int peek(std::byte* value) noexcept override;

  std::byte* lookup(const std::byte* key, unsigned cpu) noexcept override;
  int update(const std::byte* key, const std::byte* value, UpdateMode mode, unsigned cpu) noexcept override;
  int erase(const std::byte* key) noexcept override;
  bool next_key(const std::byte* key, std::byte* next) const override;
  int read(const std::byte* key, std::byte* out) override;  // peeks for what is in `out`

 private:
  BloomFilter(const MapSpec& spec, unsigned cpus, MapMemory memory, std::uint64_t bits);
  [[nodiscard]] std::uint64_t bit(const std::byte* value, unsigned number) const noexcept;
  MapMemory memory_;
  std::uint64_t* words_;
  std::uint64_t mask_;  // of a bit's number
  unsigned hashes_;
  HashFunction hash_ = fastest_hash();
};

}  // namespace sluice::vm
