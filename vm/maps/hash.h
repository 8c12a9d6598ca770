#pragma once
// HASH, PERCPU_HASH, LRU_HASH and LRU_PERCPU_HASH. Look-ups take no lock (vm/maps/hash_view.h); writers lock the chain
// of their key. Updating an existing key publishes a new element; per-CPU values change in place. A full LRU map gives
// up an element that was not used lately (vm/maps/lru_lists.h); whether it was made with BPF_F_NO_COMMON_LRU or not,
// all CPUs share its room. Threads: as vm/maps/map.h says.
#include "vm/maps/element_pool.h"
#include "vm/maps/hash_view.h"
#include "vm/maps/lru_lists.h"
#include "vm/maps/map.h"
#include "vm/maps/map_memory.h"

namespace sluice::vm {

class HashMap final : public Map {
 public:
  static Result<std::unique_ptr<Map>> make(const MapSpec& spec, unsigned cpus);

  std::byte* lookup(const std::byte* key, unsigned cpu) noexcept override;
  int update(const std::byte* key, const std::byte* value, UpdateMode mode, unsigned cpu) noexcept override;
  int erase(const std::byte* key) noexcept override;
  bool next_element(MapCursor& cursor, unsigned cpu) noexcept override;
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
  // `has_room`: the caller holds the room of an element that it evicted; it is used or given back.
  int try_put(std::uint32_t hash, const std::uint8_t* key, const NewValue& value, UpdateMode mode,
              bool has_room) noexcept;
  // With room taken.
  void insert(HashBucket& first, const Place& place, std::uint16_t tag, const std::uint8_t* key,
              const NewValue& value) noexcept;
  void replace(HashBucket& first, const Place& place, const std::uint8_t* key, const NewValue& value) noexcept;
  void fill(std::uint32_t element, const std::uint8_t* key, const NewValue& value) noexcept;
  // Out of the map already.
  void free_element(std::uint32_t element) noexcept;
  void store_locked(std::uint32_t element, const NewValue& value) noexcept;
  void store_percpu(std::uint32_t element, const NewValue& value, bool is_new) noexcept;

  [[nodiscard]] std::uint32_t hash_of(const std::uint8_t* key) const noexcept {
    return view_.hash(key, view_.key_size, view_.seed);
  }
  [[nodiscard]] std::uint8_t* element_at(std::uint32_t element) const noexcept {
    return view_.elements + std::uint64_t{element} * view_.element_stride;
  }
  [[nodiscard]] bool is_lru() const noexcept { return view_.marks != nullptr; }
  // Room for one element of max_entries; false when there is none.
  bool take_room() noexcept;
  void give_room() noexcept { __atomic_fetch_sub(&count_, 1, __ATOMIC_RELAXED); }
  // LRU types: takes an element out and keeps its room for the caller. False when a bounded search found none.
  bool evict() noexcept;
  bool evict_element(std::uint32_t element, std::uint32_t home) noexcept;

  // Under the chain's lock.
  Place find_locked(HashBucket& first, const std::uint8_t* key, std::uint16_t tag) const noexcept;
  // The element of the chain's slot number `slot`, counted from 1, or of its last one when it has fewer; `slot` becomes
  // that number, 0 when the chain is empty.
  std::uint32_t element_locked(const HashBucket& first, std::uint32_t& slot) const noexcept;
  void remove_locked(HashBucket& first, const Place& place) noexcept;
  // The first element at or after a place in the order of buckets; 0 = none. `bucket` counts first buckets.
  [[nodiscard]] bool key_from(std::uint32_t bucket, std::uint32_t skip, std::uint8_t* next) const;

  MapMemory memory_;
  HashView view_{};
  LruLists lru_;  // LRU types only
  ElementPool elements_;
  ElementPool overflow_;             // numbers of overflow buckets, behind the first buckets
  alignas(64) std::uint32_t count_;  // elements in the map, at most max_entries
};

}  // namespace sluice::vm
