#pragma once
// HASH and PERCPU_HASH. Look-ups take no lock (vm/maps/hash_view.h); writers lock the chain of their key. Updating an
// existing key of a HASH publishes a new element; per-CPU values change in place. Threads: as vm/maps/map.h says.
#include "vm/maps/element_pool.h"
#include "vm/maps/hash_view.h"
#include "vm/maps/map.h"
#include "vm/maps/map_memory.h"

namespace sluice::vm {

class HashMap final : public Map {
 public:
  static Result<std::unique_ptr<Map>> make(const MapSpec& spec, unsigned cpus);

  std::byte* lookup(const std::byte* key, unsigned cpu) noexcept override;
  int update(const std::byte* key, const std::byte* value, UpdateMode mode, unsigned cpu) noexcept override;
  int erase(const std::byte* key) noexcept override;
  bool next_key(const std::byte* key, std::byte* next) const override;
  int read(const std::byte* key, std::byte* out) override;
  int write(const std::byte* key, const std::byte* value, UpdateMode mode) override;
  [[nodiscard]] const void* view() const noexcept override { return &view_; }  // HashView

 private:
  struct Layout;  // sizes of the pieces of the memory
  struct Place {  // a slot in a chain
    HashBucket* bucket = nullptr;
    unsigned slot = 0;
    std::uint32_t element = 0;  // 0 = the key is not there; bucket and slot are then the first free place
  };
  // What to put into a per-CPU element: one CPU's value, or everybody's.
  struct NewValue {
    const std::uint8_t* bytes = nullptr;
    bool all_cpus = false;
    unsigned cpu = 0;
  };

  HashMap(const MapSpec& spec, unsigned cpus, MapMemory memory, const Layout& layout, std::uint64_t seed);

  int put(const std::uint8_t* key, const NewValue& value, UpdateMode mode) noexcept;
  int insert(HashBucket& first, const Place& place, std::uint16_t tag, const std::uint8_t* key,
             const NewValue& value) noexcept;
  int replace(HashBucket& first, const Place& place, const std::uint8_t* key, const NewValue& value) noexcept;
  void fill(std::uint32_t element, const std::uint8_t* key, const NewValue& value) noexcept;
  void store_percpu(std::uint32_t element, const NewValue& value, bool is_new) noexcept;

  [[nodiscard]] std::uint32_t hash_of(const std::uint8_t* key) const noexcept {
    return view_.hash(key, view_.key_size, view_.seed);
  }
  [[nodiscard]] std::uint8_t* element_at(std::uint32_t element) const noexcept {
    return view_.elements + std::uint64_t{element} * view_.element_stride;
  }
  // Under the chain's lock.
  Place find_locked(HashBucket& first, const std::uint8_t* key, std::uint16_t tag) const noexcept;
  void remove_locked(HashBucket& first, const Place& place) noexcept;
  // The first element at or after a place in the order of buckets; 0 = none. `bucket` counts first buckets.
  [[nodiscard]] bool key_from(std::uint32_t bucket, std::uint32_t skip, std::uint8_t* next) const;

  MapMemory memory_;
  HashView view_{};
  ElementPool elements_;
  ElementPool overflow_;             // numbers of overflow buckets, behind the first buckets
  alignas(64) std::uint32_t count_;  // elements in the map, at most max_entries
};

}  // namespace sluice::vm
