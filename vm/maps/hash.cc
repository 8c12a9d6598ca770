#include "vm/maps/hash.h"

#include <sys/random.h>

#include <algorithm>
#include <bit>
#include <cerrno>

#include "base/check.h"
#include "vm/maps/hash_function.h"
#include "vm/maps/spin_lock.h"
#include "vm/maps/value_copy.h"

namespace sluice::vm {
namespace {

// LRU: how often other threads may take an element out between our picking it and our locking its chain.
constexpr unsigned kPicks = 256;

bool is_lru_type(MapType type) { return type == MapType::kLruHash || type == MapType::kLruPercpuHash; }
const std::uint8_t* bytes(const std::byte* at) { return reinterpret_cast<const std::uint8_t*>(at); }
std::uint32_t round8(std::uint32_t size) { return (size + 7) & ~7U; }

// The chain's sequence is odd while this lives: look-ups that see a change search again. Needs the chain's lock.
class SlotChange {
 public:
  explicit SlotChange(HashBucket& first) noexcept : first_(first) { step(__ATOMIC_RELAXED); }
  ~SlotChange() { step(__ATOMIC_RELEASE); }
  SlotChange(const SlotChange&) = delete;
  SlotChange& operator=(const SlotChange&) = delete;

 private:
  // The stores between the two steps are release stores: whoever sees one of them sees the odd number too.
  void step(int order) noexcept {
    const std::uint32_t now = __atomic_load_n(&first_.sequence, __ATOMIC_RELAXED) + 1;
    order == __ATOMIC_RELEASE ? __atomic_store_n(&first_.sequence, now, __ATOMIC_RELEASE)
                              : __atomic_store_n(&first_.sequence, now, __ATOMIC_RELAXED);
  }
  HashBucket& first_;
};

std::uint16_t tag_at(const HashBucket& bucket, unsigned slot) {
  return static_cast<std::uint16_t>(__atomic_load_n(&bucket.tags[slot / 4], __ATOMIC_RELAXED) >> (slot % 4 * 16));
}

// Writes a slot; inside a SlotChange.
void set_slot(HashBucket& bucket, unsigned slot, std::uint16_t tag, std::uint32_t element) {
  const unsigned shift = slot % 4 * 16;
  std::uint64_t tags = __atomic_load_n(&bucket.tags[slot / 4], __ATOMIC_RELAXED);
  tags = (tags & ~(std::uint64_t{0xffff} << shift)) | (std::uint64_t{tag} << shift);
  __atomic_store_n(&bucket.slots[slot], element, __ATOMIC_RELEASE);
  __atomic_store_n(&bucket.tags[slot / 4], tags, __ATOMIC_RELEASE);
}

std::uint32_t slot_at(const HashBucket& bucket, unsigned slot) {
  return __atomic_load_n(&bucket.slots[slot], __ATOMIC_ACQUIRE);
}

}  // namespace

struct HashMap::Layout {
  std::uint32_t first_buckets = 1;
  std::uint32_t overflow_buckets = 0;
  std::uint32_t elements = 0;
  bool lru = false;
  std::uint64_t element_bytes = 0, percpu_stride = 0, percpu_bytes = 0;

  Layout(const MapSpec& spec, unsigned cpus) : lru(is_lru_type(spec.type)) {
    const bool percpu = spec.type == MapType::kPercpuHash || spec.type == MapType::kLruPercpuHash;
    // Two to four keys a bucket of eight on average: an overflow bucket is then rare.
    while (std::uint64_t{first_buckets} * 4 < spec.max_entries) first_buckets *= 2;
    // Chains have no holes, so a chain with n overflow buckets holds more than 8n keys.
    overflow_buckets = spec.max_entries / kHashSlots + 1;
    elements = spec.max_entries + cpus + 1 + ElementPool::kSpare;
    element_bytes = round8(spec.key_size) + (percpu ? 0 : round8(spec.value_size));
    if (!percpu) return;
    percpu_stride = MapMemory::padded((std::uint64_t{elements} + 1) * round8(spec.value_size));
    percpu_bytes = percpu_stride * (cpus + 1);  // one more: runs of the control thread
  }
  [[nodiscard]] std::uint64_t bucket_bytes() const {
    return (std::uint64_t{first_buckets} + overflow_buckets) * sizeof(HashBucket);
  }
  [[nodiscard]] std::uint64_t elements_bytes() const { return (std::uint64_t{elements} + 1) * element_bytes; }
  [[nodiscard]] std::uint64_t lists_bytes() const {
    return lru ? (std::uint64_t{elements} + 1) * sizeof(LruLists::Node) : 0;
  }
  [[nodiscard]] std::uint64_t marks_bytes() const { return lru ? std::uint64_t{elements} + 1 : 0; }
  [[nodiscard]] std::uint64_t total() const {
    return MapMemory::padded(bucket_bytes()) + MapMemory::padded(elements_bytes()) + MapMemory::padded(percpu_bytes) +
           MapMemory::padded(lists_bytes()) + MapMemory::padded(marks_bytes()) +
           MapMemory::padded(std::uint64_t{elements} * 4) + MapMemory::padded(std::uint64_t{overflow_buckets} * 4);
  }
};

HashMap::HashMap(const MapSpec& spec, unsigned cpus, MapMemory memory, const Layout& layout, std::uint64_t seed)
    : Map(spec, cpus),
      memory_(std::move(memory)),
      lru_(nullptr, nullptr, 0),
      elements_(nullptr, 0),
      overflow_(nullptr, 0),
      count_(0) {
  view_.buckets = reinterpret_cast<HashBucket*>(memory_.take(layout.bucket_bytes()));
  view_.elements = memory_.take(layout.elements_bytes());
  view_.percpu = memory_.take(layout.percpu_bytes);
  view_.cpu_stride = layout.percpu_stride;
  view_.seed = seed;
  if (layout.lru) {
    auto* const nodes = reinterpret_cast<LruLists::Node*>(memory_.take(layout.lists_bytes()));
    view_.marks = memory_.take(layout.marks_bytes());
    lru_ = LruLists(nodes, view_.marks, spec.max_entries);
  }
  view_.hash = fastest_hash();
  view_.bucket_mask = layout.first_buckets - 1;
  view_.key_size = spec.key_size;
  view_.value_offset = round8(spec.key_size);
  view_.element_stride = static_cast<std::uint32_t>(layout.element_bytes);
  view_.value_stride = round8(spec.value_size);
  elements_ =
      ElementPool(reinterpret_cast<std::uint32_t*>(memory_.take(std::uint64_t{layout.elements} * 4)), layout.elements);
  overflow_ = ElementPool(reinterpret_cast<std::uint32_t*>(memory_.take(std::uint64_t{layout.overflow_buckets} * 4)),
                          layout.overflow_buckets);
}

Result<std::unique_ptr<Map>> HashMap::make(const MapSpec& spec, unsigned cpus) {
  MapSpec rounded = spec;
  // As the kernel rounds it, which then gives every CPU a share of its own.
  if ((spec.flags & kMapNoCommonLru) != 0) {
    const std::uint64_t up = (std::uint64_t{spec.max_entries} + cpus - 1) / cpus * cpus;
    rounded.max_entries = up <= UINT32_MAX ? static_cast<std::uint32_t>(up) : spec.max_entries / cpus * cpus;
  }
  const Layout layout(rounded, cpus);
  Result<MapMemory> memory = MapMemory::reserve(layout.total());
  if (!memory) return std::move(memory).error();
  std::uint64_t seed = 0;
  if ((spec.flags & kMapZeroSeed) == 0 && getrandom(&seed, sizeof seed, 0) != sizeof seed) {
    return Error{ErrorCode::kEnvironment, "the kernel gives no random numbers"};
  }
  return std::unique_ptr<Map>(new HashMap(rounded, cpus, std::move(*memory), layout, seed));
}

std::byte* HashMap::lookup(const std::byte* key, unsigned cpu) noexcept {
  SLUICE_DCHECK(cpu <= cpus());
  const std::uint32_t element = hash_view_find(&view_, bytes(key), hash_of(bytes(key)));
  if (element == 0) return nullptr;
  if (is_lru()) hash_view_mark(&view_, element);
  return reinterpret_cast<std::byte*>(is_percpu() ? hash_view_percpu_value(&view_, element, cpu)
                                                  : hash_view_value(&view_, element));
}

int HashMap::update(const std::byte* key, const std::byte* value, UpdateMode mode, unsigned cpu) noexcept {
  return put(bytes(key), {bytes(value), false, cpu}, mode);
}

int HashMap::write(const std::byte* key, const std::byte* value, UpdateMode mode) {
  return put(bytes(key), {bytes(value), is_percpu(), 0}, mode);
}

int HashMap::put(const std::uint8_t* key, const NewValue& value, UpdateMode mode) noexcept {
  if (frozen()) return -EPERM;
  if ((static_cast<std::uint64_t>(mode) & ~kLockFlag) > static_cast<std::uint64_t>(UpdateMode::kExist)) return -EINVAL;
  if (wants_lock(mode) && spec().special.lock < 0) return -EINVAL;
  const std::uint32_t hash = hash_of(key);
  const int result = try_put(hash, key, value, mode, false);
  if (result != -E2BIG || !is_lru()) return result;
  return evict() ? try_put(hash, key, value, mode, true) : -ENOMEM;
}

int HashMap::try_put(std::uint32_t hash, const std::uint8_t* key, const NewValue& value, UpdateMode mode,
                     bool has_room) noexcept {
  HashBucket& first = view_.buckets[hash & view_.bucket_mask];
  const SpinGuard guard(first.lock);
  const Place place = find_locked(first, key, hash_view_tag(hash));
  if (place.element != 0) {
    if (has_room) give_room();  // somebody else put the key in while the lock was free
    if (without_lock(mode) == UpdateMode::kNoExist) return -EEXIST;
    if (wants_lock(mode)) {
      store_locked(place.element, value);
    } else {
      replace(first, place, key, value);
    }
    return 0;
  }
  if (without_lock(mode) == UpdateMode::kExist) return -ENOENT;
  if (!has_room && !take_room()) return -E2BIG;
  insert(first, place, hash_view_tag(hash), key, value);
  return 0;
}

bool HashMap::take_room() noexcept {
  std::uint32_t count = __atomic_load_n(&count_, __ATOMIC_RELAXED);
  do {
    if (count >= spec().max_entries) return false;
  } while (!__atomic_compare_exchange_n(&count_, &count, count + 1, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  return true;
}

void HashMap::insert(HashBucket& first, const Place& place, std::uint16_t tag, const std::uint8_t* key,
                     const NewValue& value) noexcept {
  const std::uint32_t element = elements_.get();
  SLUICE_DCHECK(element != 0);  // the pool has more elements than max_entries and threads together
  fill(element, key, value);
  if (is_lru()) lru_.enter(element, static_cast<std::uint32_t>(&first - view_.buckets));
  const SlotChange change(first);
  if (place.slot < kHashSlots) {
    set_slot(*place.bucket, place.slot, tag, element);
    return;
  }
  const std::uint32_t number = view_.bucket_mask + overflow_.get();
  set_slot(view_.buckets[number], 0, tag, element);
  __atomic_store_n(&place.bucket->next, number, __ATOMIC_RELEASE);
}

// In an LRU map this counts as use, as in the kernel.
void HashMap::replace(HashBucket& first, const Place& place, const std::uint8_t* key, const NewValue& value) noexcept {
  if (is_percpu()) {
    store_percpu(place.element, value, false);
    if (is_lru()) hash_view_mark(&view_, place.element);
    return;
  }
  const std::uint32_t element = elements_.get();
  SLUICE_DCHECK(element != 0);
  fill(element, key, value);
  if (is_lru()) lru_.take_over(element, place.element);
  {
    const SlotChange change(first);
    __atomic_store_n(&place.bucket->slots[place.slot], element, __ATOMIC_RELEASE);
  }
  free_element(place.element);
}

bool HashMap::evict() noexcept {
  for (unsigned turn = 0; turn < kPicks; ++turn) {
    std::uint32_t home = 0;
    const std::uint32_t element = lru_.pick(home);  // 0: who took the room has no element yet
    if (element != 0 && evict_element(element, home)) return true;
  }
  return false;
}

bool HashMap::evict_element(std::uint32_t element, std::uint32_t home) noexcept {
  HashBucket& first = view_.buckets[home];
  const SpinGuard guard(first.lock);
  if (!lru_.is_in(element, home)) return false;  // it left in the meantime
  Place place{&first, 0, element};
  while (slot_at(*place.bucket, place.slot) != element) {
    if (++place.slot < kHashSlots) continue;
    place = {&view_.buckets[place.bucket->next], 0, element};
  }
  remove_locked(first, place);
  lru_.leave(element);
  free_element(element);
  return true;
}

void HashMap::fill(std::uint32_t element, const std::uint8_t* key, const NewValue& value) noexcept {
  words_store(element_at(element), key, view_.key_size);
  if (is_percpu()) return store_percpu(element, value, true);
  std::uint8_t* const to = hash_view_value(&view_, element);
  clear_timer(spec(), to);  // a program may have used it since it was freed
  store_value(spec(), to, value.bytes);
}

void HashMap::free_element(std::uint32_t element) noexcept {
  if (!is_percpu()) clear_timer(spec(), hash_view_value(&view_, element));
  elements_.put(element);
}

void HashMap::store_locked(std::uint32_t element, const NewValue& value) noexcept {
  std::uint8_t* const to = hash_view_value(&view_, element);
  const SpinGuard guard(value_lock(spec(), to));
  store_value(spec(), to, value.bytes);
}

void HashMap::store_percpu(std::uint32_t element, const NewValue& value, bool is_new) noexcept {
  for (unsigned cpu = 0; cpu <= cpus(); ++cpu) {
    std::uint8_t* const slot = hash_view_percpu_value(&view_, element, cpu);
    if (value.all_cpus && cpu < cpus()) {
      words_store(slot, value.bytes + std::size_t{cpu} * percpu_stride(), percpu_stride());
    } else if (!value.all_cpus && cpu == value.cpu) {
      words_store(slot, value.bytes, spec().value_size);
    } else if (is_new) {
      words_clear(slot, view_.value_stride);
    }
  }
}

HashMap::Place HashMap::find_locked(HashBucket& first, const std::uint8_t* key, std::uint16_t tag) const noexcept {
  Place place{&first, 0, 0};
  for (;;) {
    for (place.slot = 0; place.slot < kHashSlots; ++place.slot) {
      place.element = slot_at(*place.bucket, place.slot);
      if (place.element == 0) return place;
      if (tag_at(*place.bucket, place.slot) == tag &&
          words_equal(element_at(place.element), key, view_.key_size) != 0) {
        return place;
      }
    }
    place.element = 0;
    if (place.bucket->next == 0) return place;
    place.bucket = &view_.buckets[place.bucket->next];
  }
}

int HashMap::erase(const std::byte* key) noexcept {
  if (frozen()) return -EPERM;
  const std::uint32_t hash = hash_of(bytes(key));
  HashBucket& first = view_.buckets[hash & view_.bucket_mask];
  const SpinGuard guard(first.lock);
  const Place place = find_locked(first, bytes(key), hash_view_tag(hash));
  if (place.element == 0) return -ENOENT;
  remove_locked(first, place);
  if (is_lru()) lru_.leave(place.element);
  free_element(place.element);
  give_room();
  return 0;
}

// The chain's last slot fills the hole; an overflow bucket that becomes empty is freed.
void HashMap::remove_locked(HashBucket& first, const Place& place) noexcept {
  HashBucket* before = nullptr;
  HashBucket* last = &first;
  while (last->next != 0) {
    before = last;
    last = &view_.buckets[last->next];
  }
  unsigned slot = kHashSlots - 1;
  while (slot_at(*last, slot) == 0) --slot;
  {
    const SlotChange change(first);
    set_slot(*place.bucket, place.slot, tag_at(*last, slot), slot_at(*last, slot));
    set_slot(*last, slot, 0, 0);
    if (slot != 0 || before == nullptr) return;
    __atomic_store_n(&before->next, 0U, __ATOMIC_RELEASE);
  }
  overflow_.put(static_cast<std::uint32_t>(last - view_.buckets) - view_.bucket_mask);
}

int HashMap::read(const std::byte* key, std::byte* out) {
  auto* const to = reinterpret_cast<std::uint8_t*>(out);
  const std::uint32_t hash = hash_of(bytes(key));
  const HashBucket& first = view_.buckets[hash & view_.bucket_mask];
  for (;;) {
    // The value is whole when the chain did not change while it was copied: the element was not given away.
    const std::uint32_t before = __atomic_load_n(&first.sequence, __ATOMIC_ACQUIRE);
    const std::uint32_t element = hash_view_find(&view_, bytes(key), hash);
    if (element == 0) return -ENOENT;
    if (is_percpu()) {
      for (unsigned cpu = 0; cpu < cpus(); ++cpu) {
        words_load(to + std::size_t{cpu} * percpu_stride(), hash_view_percpu_value(&view_, element, cpu),
                   percpu_stride());
      }
    } else {
      load_value(spec(), to, hash_view_value(&view_, element));
    }
    if (__atomic_load_n(&first.sequence, __ATOMIC_RELAXED) == before) return 0;
  }
}

bool HashMap::key_from(std::uint32_t bucket, std::uint32_t skip, std::uint8_t* next) const {
  for (; bucket <= view_.bucket_mask; ++bucket, skip = 0) {
    HashBucket& first = view_.buckets[bucket];
    const SpinGuard guard(first.lock);
    const HashBucket* at = &first;
    for (; skip >= kHashSlots && at->next != 0; skip -= kHashSlots) at = &view_.buckets[at->next];
    if (skip >= kHashSlots) continue;
    if (const std::uint32_t element = slot_at(*at, skip)) {
      words_load(next, element_at(element), view_.key_size);
      return true;
    }
  }
  return false;
}

std::uint32_t HashMap::element_locked(const HashBucket& first, std::uint32_t& slot) const noexcept {
  const HashBucket* at = &first;
  std::uint32_t before = 0;  // slots of the buckets before `at`
  for (; before + kHashSlots < slot && at->next != 0; before += kHashSlots) at = &view_.buckets[at->next];
  for (std::uint32_t here = std::min<std::uint32_t>(slot - before, kHashSlots); here > 0; --here) {
    if (const std::uint32_t element = slot_at(*at, here - 1)) {
      slot = before + here;
      return element;
    }
  }
  slot = 0;
  return 0;
}

// Chains are walked from their last slot to the first: when the element met last goes, what fills its slot was met
// before. position: the number of the bucket in the upper half; below it slots left in its chain, or all of them.
bool HashMap::next_element(MapCursor& cursor, unsigned cpu) noexcept {
  constexpr std::uint32_t kWhole = UINT32_MAX;
  auto bucket = static_cast<std::uint32_t>(cursor.position >> 32);
  std::uint32_t left = cursor.position == 0 ? kWhole : static_cast<std::uint32_t>(cursor.position);
  for (; bucket <= view_.bucket_mask; ++bucket, left = kWhole) {
    HashBucket& first = view_.buckets[bucket];
    if (left == 0 || slot_at(first, 0) == 0) continue;
    const SpinGuard guard(first.lock);
    const std::uint32_t element = element_locked(first, left);
    if (element == 0) continue;
    cursor.position = (std::uint64_t{bucket} << 32) | (left - 1);
    if (cursor.position == 0) cursor.position = std::uint64_t{1} << 32 | kWhole;
    cursor.key = reinterpret_cast<const std::byte*>(element_at(element));
    cursor.value = reinterpret_cast<std::byte*>(is_percpu() ? hash_view_percpu_value(&view_, element, cpu)
                                                            : hash_view_value(&view_, element));
    ++cursor.seen;
    return true;
  }
  return false;
}

bool HashMap::next_key(const std::byte* key, std::byte* next) const {
  auto* const to = reinterpret_cast<std::uint8_t*>(next);
  if (key == nullptr) return key_from(0, 0, to);
  const std::uint32_t hash = hash_of(bytes(key));
  const std::uint32_t bucket = hash & view_.bucket_mask;
  std::uint32_t skip = 0;
  {
    HashBucket& first = view_.buckets[bucket];
    const SpinGuard guard(first.lock);
    const Place place = find_locked(first, bytes(key), hash_view_tag(hash));
    if (place.element != 0) {
      for (const HashBucket* at = &first; at != place.bucket; at = &view_.buckets[at->next]) skip += kHashSlots;
      skip += place.slot + 1;
    }
  }
  return skip == 0 ? key_from(0, 0, to) : key_from(bucket, skip, to);
}

}  // namespace sluice::vm
