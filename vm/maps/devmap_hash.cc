#include "vm/maps/devmap_hash.h"

#include <bit>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "vm/maps/array.h"
#include "vm/maps/devmap.h"
#include "vm/maps/spin_lock.h"

namespace sluice::vm {
namespace {

template <typename T>
T load(const T& word) {
  return __atomic_load_n(&word, __ATOMIC_ACQUIRE);
}
template <typename T>
void store(T& word, T value) {
  __atomic_store_n(&word, value, __ATOMIC_RELEASE);
}

}  // namespace

DevmapHash::DevmapHash(const MapSpec& spec, unsigned cpus, MapMemory memory, std::uint32_t buckets, std::uint32_t nodes)
    : Devmap(devmap_spec(spec), cpus), memory_(std::move(memory)), nodes_(nullptr, 0) {
  view_.nodes = reinterpret_cast<DevmapNode*>(memory_.take((std::uint64_t{nodes} + 1) * sizeof(DevmapNode)));
  view_.heads = reinterpret_cast<std::uint32_t*>(memory_.take(std::uint64_t{buckets} * 4));
  view_.bucket_mask = buckets - 1;
  view_.node_count = nodes;
  nodes_ = ElementPool(reinterpret_cast<std::uint32_t*>(memory_.take(std::uint64_t{nodes} * 4)), nodes);
}

Result<std::unique_ptr<Map>> DevmapHash::make(const MapSpec& spec, unsigned cpus) {
  const std::uint32_t buckets = std::bit_ceil(spec.max_entries);  // max_entries is at most 2^31
  const std::uint32_t nodes = spec.max_entries + ElementPool::kSpare;
  Result<MapMemory> memory =
      MapMemory::reserve(MapMemory::padded((std::uint64_t{nodes} + 1) * sizeof(DevmapNode)) +
                         MapMemory::padded(std::uint64_t{buckets} * 4) + MapMemory::padded(std::uint64_t{nodes} * 4));
  if (!memory) return std::move(memory).error();
  return std::unique_ptr<Map>(new DevmapHash(spec, cpus, std::move(*memory), buckets, nodes));
}

bool DevmapHash::resolve(std::uint32_t key, DevmapEntry& out) const noexcept {
  const void* program = nullptr;
  out.ifindex = devmap_hash_view_resolve(&view_, key, &program);
  out.program = static_cast<const ProgramSlot*>(program);
  return out.ifindex != 0;
}

std::byte* DevmapHash::lookup(const std::byte* key, unsigned /*cpu*/) noexcept {
  return reinterpret_cast<std::byte*>(devmap_hash_view_lookup(&view_, index_of(key)));
}

int DevmapHash::read(const std::byte* key, std::byte* out) {
  DevmapEntry entry;
  if (!resolve(index_of(key), entry)) return -ENOENT;
  const std::uint64_t value = devmap_word(entry.ifindex, entry.program);
  std::memcpy(out, &value, spec().value_size);
  return 0;
}

// Even to odd before chains change (their stores are release stores), odd to even after.
void DevmapHash::step_sequence(int order) noexcept {
  const std::uint32_t now = __atomic_load_n(&view_.sequence, __ATOMIC_RELAXED) + 1;
  order == __ATOMIC_RELEASE ? __atomic_store_n(&view_.sequence, now, __ATOMIC_RELEASE)
                            : __atomic_store_n(&view_.sequence, now, __ATOMIC_RELAXED);
}

void DevmapHash::take_out_locked(std::uint32_t node) noexcept {
  std::uint32_t* link = &view_.heads[view_.nodes[node].key & view_.bucket_mask];
  while (*link != node) link = &view_.nodes[*link].next;
  store(*link, view_.nodes[node].next);
}

// A new node at the head of its chain, in place of node `old` when that is not 0.
void DevmapHash::put_locked(std::uint32_t key, std::uint32_t ifindex, const ProgramSlot* program,
                            std::uint32_t old) noexcept {
  const std::uint32_t number = nodes_.get();
  SLUICE_DCHECK(number != 0);  // the pool has more nodes than max_entries
  DevmapNode& node = view_.nodes[number];
  std::uint32_t& head = view_.heads[key & view_.bucket_mask];
  store(node.value, devmap_word(ifindex, program));
  store(node.program, static_cast<const void*>(program));
  store(node.key, key);
  step_sequence(__ATOMIC_RELAXED);
  if (old != 0) take_out_locked(old);
  store(node.next, head);
  store(head, number);
  step_sequence(__ATOMIC_RELEASE);
  if (old != 0) nodes_.put(old);
}

int DevmapHash::attach(std::uint32_t key, const ProgramSlot* program) {
  const SpinGuard guard(lock_);
  const std::uint32_t old = devmap_hash_walk(&view_, key);
  if (old == 0) return -ENOENT;
  put_locked(key, static_cast<std::uint32_t>(view_.nodes[old].value), program, old);
  return 0;
}

// As in the kernel, BPF_EXIST does not ask for an existing entry here.
int DevmapHash::update(const std::byte* key, const std::byte* value, UpdateMode mode, unsigned /*cpu*/) noexcept {
  if (frozen()) return -EPERM;
  std::uint32_t ifindex = 0;
  const int bad_value = devmap_value(spec(), value, ifindex);
  if (mode > UpdateMode::kExist || ifindex == 0) return -EINVAL;
  const SpinGuard guard(lock_);
  const std::uint32_t old = devmap_hash_walk(&view_, index_of(key));
  if (old != 0 && mode == UpdateMode::kNoExist) return -EEXIST;
  if (bad_value != 0) return bad_value;
  if (old == 0 && count_ >= spec().max_entries) return -E2BIG;
  if (old == 0) ++count_;
  put_locked(index_of(key), ifindex, nullptr, old);
  return 0;
}

int DevmapHash::erase(const std::byte* key) noexcept {
  if (frozen()) return -EPERM;
  const SpinGuard guard(lock_);
  const std::uint32_t node = devmap_hash_walk(&view_, index_of(key));
  if (node == 0) return -ENOENT;
  step_sequence(__ATOMIC_RELAXED);
  take_out_locked(node);
  step_sequence(__ATOMIC_RELEASE);
  nodes_.put(node);
  --count_;
  return 0;
}

std::uint32_t DevmapHash::head_from(std::uint32_t bucket) const noexcept {
  for (std::uint64_t i = bucket; i <= view_.bucket_mask; ++i) {
    if (const std::uint32_t node = load(view_.heads[i])) return node;
  }
  return 0;
}

DevmapHash::Step DevmapHash::after(const std::uint32_t* key) const noexcept {
  for (;;) {
    Step step;
    const std::uint32_t before = load(view_.sequence);
    const std::uint32_t from = key != nullptr ? devmap_hash_walk(&view_, *key) : 0;
    std::uint32_t node = from != 0 ? load(view_.nodes[from].next) : 0;
    const bool last_bucket = key != nullptr && (*key & view_.bucket_mask) == view_.bucket_mask;
    if (node == 0 && !last_bucket) node = head_from(key != nullptr ? (*key & view_.bucket_mask) + 1 : 0);
    step.from_present = from != 0;
    if (node != 0) {
      const DevmapNode& at = view_.nodes[node];
      step.found = true;
      step.key = load(at.key);
      step.entry.ifindex = static_cast<std::uint32_t>(load(at.value));
      step.entry.program = static_cast<const ProgramSlot*>(load(at.program));
    }
    if ((before & 1) == 0 && __atomic_load_n(&view_.sequence, __ATOMIC_RELAXED) == before) return step;
  }
}

void DevmapHash::for_each(Visit each, void* state) const noexcept {
  Step step = after(nullptr);
  while (step.found) {
    each(state, step.key, step.entry);
    const std::uint32_t key = step.key;
    step = after(&key);
  }
}

bool DevmapHash::next_key(const std::byte* key, std::byte* next) const {
  std::uint32_t from = 0;
  if (key != nullptr) from = index_of(key);
  Step step = after(key != nullptr ? &from : nullptr);
  if (key != nullptr && !step.from_present) step = after(nullptr);
  if (step.found) std::memcpy(next, &step.key, sizeof step.key);
  return step.found;
}

}  // namespace sluice::vm
