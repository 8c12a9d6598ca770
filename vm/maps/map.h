#pragma once
// A map as programs, helpers and the control path see it. Kernel semantics: bpf-helpers(7), bpf(2), DESIGN section 2.
// Data path (lookup, update, erase): any worker, any time, no allocation, no system call. Control path (everything
// else): one thread, beside running workers.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "vm/program.h"
#include "vm/special_fields.h"

namespace sluice::vm {

// enum bpf_map_type, linux/bpf.h.
enum class MapType : std::uint32_t {
  kHash = 1,
  kArray = 2,
  kProgArray = 3,
  kPerfEventArray = 4,
  kPercpuHash = 5,
  kPercpuArray = 6,
  kLruHash = 9,
  kLruPercpuHash = 10,
  kLpmTrie = 11,
  kArrayOfMaps = 12,
  kHashOfMaps = 13,
  kDevmap = 14,
  kCpumap = 16,
  kXskmap = 17,
  kQueue = 22,
  kStack = 23,
  kDevmapHash = 25,
  kRingbuf = 27,
  kBloomFilter = 30,
};

// Flags of BPF_MAP_CREATE, linux/bpf.h.
constexpr std::uint32_t kMapNoPrealloc = 1U << 0;      // BPF_F_NO_PREALLOC
constexpr std::uint32_t kMapNoCommonLru = 1U << 1;     // BPF_F_NO_COMMON_LRU
constexpr std::uint32_t kMapNumaNode = 1U << 2;        // BPF_F_NUMA_NODE
constexpr std::uint32_t kMapReadOnly = 1U << 3;        // BPF_F_RDONLY
constexpr std::uint32_t kMapWriteOnly = 1U << 4;       // BPF_F_WRONLY
constexpr std::uint32_t kMapZeroSeed = 1U << 6;        // BPF_F_ZERO_SEED: the order of keys is the same in every run
constexpr std::uint32_t kMapReadOnlyProg = 1U << 7;    // BPF_F_RDONLY_PROG
constexpr std::uint32_t kMapWriteOnlyProg = 1U << 8;   // BPF_F_WRONLY_PROG
constexpr std::uint32_t kMapMmapable = 1U << 10;       // BPF_F_MMAPABLE
constexpr std::uint32_t kMapPreserveElems = 1U << 11;  // BPF_F_PRESERVE_ELEMS: events outlive who put them in
constexpr std::uint32_t kMapInner = 1U << 12;  // BPF_F_INNER_MAP: an ARRAY that others of any size may stand for

struct MapSpec {
  std::string name;
  MapType type = MapType::kArray;
  std::uint32_t key_size = 4;     // bytes
  std::uint32_t value_size = 4;   // bytes
  std::uint32_t max_entries = 0;  // 0 = to be set by the configuration
  std::uint32_t flags = 0;        // kMap*
  std::uint32_t extra = 0;        // map_extra: BLOOM_FILTER, bits a value sets; 0 = 5
  std::uint32_t key_type = 0;     // BTF type ids in the object's BTF, 0 = unknown
  std::uint32_t value_type = 0;
  SpecialFields special = {};                      // what the value holds that only helpers may touch
  bool pin_by_name = false;                        // LIBBPF_PIN_BY_NAME
  std::shared_ptr<const MapSpec> inner = nullptr;  // map-in-map types: what inner maps are like; null = nobody said
};

// Whether a map of `inner` may be used where the verifier knew only `like` (bpf_map_meta_equal,
// kernel/bpf/map_in_map.c).
bool may_stand_for(const MapSpec& like, const MapSpec& inner) noexcept;

// BPF_ANY, BPF_NOEXIST, BPF_EXIST. Other numbers are -EINVAL.
enum class UpdateMode : std::uint64_t { kAny = 0, kNoExist = 1, kExist = 2 };
constexpr std::uint64_t kLockFlag = 4;  // BPF_F_LOCK, with any of them: under the value's lock, in place
constexpr bool wants_lock(UpdateMode mode) noexcept { return (static_cast<std::uint64_t>(mode) & kLockFlag) != 0; }
constexpr UpdateMode without_lock(UpdateMode mode) noexcept {
  return static_cast<UpdateMode>(static_cast<std::uint64_t>(mode) & ~kLockFlag);
}

// Of these types bpf_map_peek_elem looks at the value it is given; of others it writes it.
constexpr bool peek_reads_value(MapType type) noexcept { return type == MapType::kBloomFilter; }

// Where bpf_for_each_map_elem stands in a map. Begins as made here and must not move meanwhile: `key` of an array is
// its `index`. The JIT addresses members with offsetof.
struct MapCursor {
  std::uint64_t position = 0;      // the map's own
  const std::byte* key = nullptr;  // of the element found last; value: likewise
  std::byte* value = nullptr;
  std::uint64_t seen = 0;  // elements found
  std::uint32_t index = 0;
};

class Map {
 public:
  virtual ~Map() = default;
  Map(const Map&) = delete;
  Map& operator=(const Map&) = delete;

  [[nodiscard]] const MapSpec& spec() const noexcept { return spec_; }
  [[nodiscard]] unsigned cpus() const noexcept { return cpus_; }
  // What the control path calls the map by where it is a value itself; 0 = it was given none. Set before it is used.
  [[nodiscard]] std::uint32_t id() const noexcept { return id_; }
  void set_id(std::uint32_t id) noexcept { id_ = id; }
  [[nodiscard]] bool is_percpu() const noexcept {
    return spec_.type == MapType::kPercpuArray || spec_.type == MapType::kPercpuHash ||
           spec_.type == MapType::kLruPercpuHash;
  }
  // bytes between the starts of two CPUs' values in what the kernel's syscall returns: value_size rounded up to 8
  [[nodiscard]] std::uint32_t percpu_stride() const noexcept { return (spec_.value_size + 7) & ~7U; }

  // --- data path. `key` has spec().key_size readable bytes, `value` spec().value_size. ---
  // The value of `cpu` (ignored by shared types), or null. Stays readable and writable while the map lives. Maps whose
  // values programs cannot point to (prog array, devmap as seen by redirect) return null here. Map-in-map types give
  // the inner Map itself.
  virtual std::byte* lookup(const std::byte* key, unsigned cpu) noexcept = 0;
  // 0 or -errno as bpf_map_update_elem. A per-CPU type writes the value of `cpu`; a new element's other values are 0.
  virtual int update(const std::byte* key, const std::byte* value, UpdateMode mode, unsigned cpu) noexcept = 0;
  virtual int erase(const std::byte* key) noexcept = 0;
  // The next element, per-CPU types with the value of `cpu`; false at the end. Elements that come or go meanwhile may
  // be met or not; the one met last may go. Types that bpf_for_each_map_elem does not take are at their end. Key and
  // value stay readable.
  virtual bool next_element(MapCursor& cursor, unsigned cpu) noexcept;

  // --- control path: what bpf(2) does ---
  // The key after `key` in an order of the map's own; null `key` asks for the first. False at the end. As in the kernel
  // a key that vanished restarts from the first one.
  virtual bool next_key(const std::byte* key, std::byte* next) const = 0;
  // Reads a value as BPF_MAP_LOOKUP_ELEM does: value_size bytes, or cpus() * percpu_stride() for per-CPU types. DEVMAP
  // gives {ifindex, program id or 0}. 0 or -errno.
  virtual int read(const std::byte* key, std::byte* out);
  // Writes as BPF_MAP_UPDATE_ELEM does: per-CPU types take all CPUs' values.
  virtual int write(const std::byte* key, const std::byte* value, UpdateMode mode);
  // Bytes of what read and write move.
  [[nodiscard]] std::uint32_t transfer_size() const noexcept {
    return is_percpu() ? cpus_ * percpu_stride() : spec_.value_size;
  }
  // After this neither programs nor the control path change the map (.rodata); the verifier may fold its contents.
  void freeze() noexcept { frozen_ = true; }
  [[nodiscard]] bool frozen() const noexcept { return frozen_; }

  // The freestanding view (vm/maps/<type>_view.h) the engines inline, or null when the type has none.
  [[nodiscard]] virtual const void* view() const noexcept { return nullptr; }

 protected:
  Map(MapSpec spec, unsigned cpus) : spec_(std::move(spec)), cpus_(cpus) {}

 private:
  MapSpec spec_;
  unsigned cpus_;
  std::uint32_t id_ = 0;
  bool frozen_ = false;
};

// PROG_ARRAY. Slots are read by workers with one acquire load each; a slot's ProgramSlot outlives every reader.
class ProgArray : public Map {
 public:
  // The slot, or null when the index is out of range or the slot is empty.
  [[nodiscard]] virtual const ProgramSlot* slot(std::uint32_t index) const noexcept = 0;
  // Fills a slot, or empties it when `program` is null. 0, -E2BIG, or -EINVAL when the program does not fit the array's
  // owner (type, frags): the first program set decides.
  virtual int set(std::uint32_t index, const ProgramSlot* program) = 0;

 protected:
  using Map::Map;
};

// DEVMAP and DEVMAP_HASH.
struct DevmapEntry {
  std::uint32_t ifindex = 0;
  const ProgramSlot* program = nullptr;  // null = none attached
};
class Devmap : public Map {
 public:
  // False when the key has no entry. Data path.
  virtual bool resolve(std::uint32_t key, DevmapEntry& out) const noexcept = 0;
  // Attaches `program` (null = none) to an existing entry. 0 or -ENOENT. Control path.
  virtual int attach(std::uint32_t key, const ProgramSlot* program) = 0;
  // Calls `each` for all entries in ascending key order (DEVMAP) or the map's order (DEVMAP_HASH). Data path: used for
  // broadcast.
  using Visit = void (*)(void* state, std::uint32_t key, const DevmapEntry& entry) noexcept;
  virtual void for_each(Visit each, void* state) const noexcept = 0;

 protected:
  using Map::Map;
};

// QUEUE, STACK and (without pop) BLOOM_FILTER: values without keys (key_size is 0, keys are not looked at). `read`
// peeks and `write` pushes, as BPF_MAP_LOOKUP_ELEM and BPF_MAP_UPDATE_ELEM do; `pop` is also
// BPF_MAP_LOOKUP_AND_DELETE_ELEM.
class Queue : public Map {
 public:
  // 0 or -errno. kAny: -E2BIG when it is full; kExist: the oldest value of a full map goes; kNoExist: -EINVAL. Data
  // path, as are the others.
  virtual int push(const std::byte* value, UpdateMode mode) noexcept = 0;
  // The next value, which leaves (pop) or stays (peek). 0, or -ENOENT and `value` gets zeroes.
  virtual int pop(std::byte* value) noexcept = 0;
  virtual int peek(std::byte* value) noexcept = 0;

 protected:
  using Map::Map;
};

// ARRAY_OF_MAPS and HASH_OF_MAPS. `lookup` gives a Map*, which programs may only hand on to helpers. `read` gives the
// inner map's id, as bpf(2) does; bytes cannot name a map, so `write` and `update` are -EBADF and `set` is the only way
// in.
class MapOfMaps : public Map {
 public:
  // A map like those inside, empty and in no slot: what the verifier judges by.
  [[nodiscard]] const Map& like() const noexcept { return *like_; }
  // Puts `inner` under the key. 0 or -errno; -EINVAL when it may not stand for `like`. Control path. A map that was
  // inside once lives until this one dies: a program may have looked it up just before it was replaced, and nobody
  // tells yet when all workers have passed a quiescent state.
  virtual int set(const std::byte* key, std::shared_ptr<Map> inner, UpdateMode mode) = 0;

  int update(const std::byte* key, const std::byte* value, UpdateMode mode, unsigned cpu) noexcept final;
  int read(const std::byte* key, std::byte* out) final;

 protected:
  MapOfMaps(MapSpec spec, unsigned cpus, std::unique_ptr<Map> like)
      : Map(std::move(spec), cpus), like_(std::move(like)) {}
  // 0, or why it may not be put in.
  [[nodiscard]] int check_inner(const Map* inner) const noexcept;
  void hold(std::shared_ptr<Map> inner);

 private:
  std::unique_ptr<Map> like_;
  std::vector<std::shared_ptr<Map>> held_;
};

// Makes a map for `cpus` possible CPUs, or says why the kernel would refuse it (key and value sizes, flags, entries).
Result<std::unique_ptr<Map>> make_map(const MapSpec& spec, unsigned cpus);

// "hash", "percpu_array", ... as bpftool writes it; empty for unknown numbers.
std::string_view map_type_name(MapType type) noexcept;

}  // namespace sluice::vm
