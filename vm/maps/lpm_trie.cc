#include "vm/maps/lpm_trie.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "vm/maps/spin_lock.h"

namespace sluice::vm {
namespace {

std::uint32_t round8(std::uint32_t size) { return (size + 7) & ~7U; }
std::uint32_t load(const std::uint32_t& word) { return __atomic_load_n(&word, __ATOMIC_ACQUIRE); }
// Publishes what was written before it to look-ups that follow the link.
void store(std::uint32_t& word, std::uint32_t value) { __atomic_store_n(&word, value, __ATOMIC_RELEASE); }

std::uint32_t data_size(const MapSpec& spec) { return spec.key_size - 4; }

}  // namespace

// Branching nodes are fewer than nodes with a value. A node that came with a value may lose it and stay to branch.
struct LpmTrieMap::Sizes {
  std::uint64_t with_value, without_value;
  std::uint32_t node_stride, value_stride;

  explicit Sizes(const MapSpec& spec)
      : with_value(std::uint64_t{spec.max_entries} * 2 + ElementPool::kSpare),
        without_value(std::uint64_t{spec.max_entries} + ElementPool::kSpare),
        node_stride(static_cast<std::uint32_t>(sizeof(LpmTrieNode)) + round8(data_size(spec))),
        value_stride(round8(spec.value_size)) {}
  [[nodiscard]] std::uint64_t nodes() const { return with_value + without_value; }
  [[nodiscard]] std::uint64_t node_bytes() const { return (nodes() + 1) * node_stride; }
  [[nodiscard]] std::uint64_t value_bytes() const { return (with_value + 1) * value_stride; }
};

LpmTrieMap::LpmTrieMap(const MapSpec& spec, unsigned cpus, Memory memory)
    : Map(spec, cpus),
      view_memory_(std::move(memory.view)),
      memory_(std::move(memory.nodes)),
      view_(*new(view_memory_.take(sizeof(LpmTrieView))) LpmTrieView{.data_size = data_size(spec)}),
      with_value_(nullptr, 0),
      without_value_(nullptr, 0),
      index_(view_, std::move(memory.index), spec.max_entries) {
  const Sizes sizes(spec);
  const auto pool = [this](std::uint64_t elements) {
    auto* const ring = reinterpret_cast<std::uint32_t*>(memory_.take(elements * sizeof(std::uint32_t)));
    return ElementPool(ring, static_cast<std::uint32_t>(elements));
  };
  view_.node_stride = sizes.node_stride;
  view_.value_stride = sizes.value_stride;
  view_.values = memory_.take(sizes.value_bytes());
  view_.nodes = memory_.take(sizes.node_bytes());
  with_value_ = pool(sizes.with_value);
  without_value_ = pool(sizes.without_value);
  last_with_value_ = static_cast<std::uint32_t>(sizes.with_value);
}

Result<std::unique_ptr<Map>> LpmTrieMap::make(const MapSpec& spec, unsigned cpus) {
  const Sizes sizes(spec);
  if (sizes.nodes() > kLpmNumber) {
    return Error{ErrorCode::kEnvironment, "more prefixes than 30-bit node numbers can count"};
  }
  std::uint64_t bytes = 0;
  for (const std::uint64_t piece :
       {sizes.value_bytes(), sizes.node_bytes(), sizes.with_value * 4, sizes.without_value * 4}) {
    bytes += MapMemory::padded(piece);
  }
  Result<MapMemory> nodes = MapMemory::reserve(bytes);
  if (!nodes) return std::move(nodes).error();
  Result<MapMemory> index = LpmIndex::reserve(spec.max_entries, data_size(spec));
  if (!index) return std::move(index).error();
  Result<MapMemory> view = MapMemory::reserve(MapMemory::padded(sizeof(LpmTrieView)));
  if (!view) return std::move(view).error();
  return std::unique_ptr<Map>(new LpmTrieMap(spec, cpus, {std::move(*view), std::move(*nodes), std::move(*index)}));
}

LpmTrieMap::Prefix LpmTrieMap::prefix_of(const std::byte* key) noexcept {
  Prefix prefix;
  std::memcpy(&prefix.bits, key, sizeof prefix.bits);
  prefix.data = reinterpret_cast<const std::uint8_t*>(key) + sizeof prefix.bits;
  return prefix;
}

std::uint32_t LpmTrieMap::child(std::uint32_t node, unsigned side) const noexcept {
  return load(at(node).children[side]);
}

bool LpmTrieMap::has_value(std::uint32_t node) const noexcept { return lpm_trie_has_value(&at(node)) != 0; }

std::byte* LpmTrieMap::lookup(const std::byte* key, unsigned /*cpu*/) noexcept {
  return reinterpret_cast<std::byte*>(lpm_trie_lookup(&view_, reinterpret_cast<const std::uint8_t*>(key)));
}

int LpmTrieMap::read(const std::byte* key, std::byte* out) {
  for (;;) {
    // The value is whole when no node was given back while it was copied.
    const std::uint32_t before = load(view_.sequence);
    const std::uint32_t node = lpm_trie_find(&view_, reinterpret_cast<const std::uint8_t*>(key));
    if (node == 0) return -ENOENT;
    words_load(reinterpret_cast<std::uint8_t*>(out), lpm_trie_value(&view_, node), spec().value_size);
    if (load(view_.sequence) == before) return 0;
  }
}

LpmTrieMap::Place LpmTrieMap::find_locked(const Prefix& prefix) noexcept {
  Place place;
  place.link = &view_.root;
  for (;;) {
    place.node = load(*place.link);
    if (place.node == 0) return place;
    LpmTrieNode& node = at(place.node);
    const std::uint32_t bits = lpm_trie_bits(&node);
    place.matching = lpm_trie_match(view_.data_size, &node, prefix.data, std::min(bits, prefix.bits));
    if (place.matching != bits || bits == prefix.bits) return place;
    if (has_value(place.node)) place.shorter = place.node;
    place.parent = place.node;
    place.parent_link = place.link;
    place.link = &node.children[lpm_trie_bit(prefix.data, bits)];
  }
}

bool LpmTrieMap::is_exact(const Place& place, const Prefix& prefix) const noexcept {
  return place.node != 0 && place.matching == prefix.bits && lpm_trie_bits(&at(place.node)) == prefix.bits;
}

int LpmTrieMap::update(const std::byte* key, const std::byte* value, UpdateMode mode, unsigned /*cpu*/) noexcept {
  const Prefix prefix = prefix_of(key);
  if (frozen()) return -EPERM;
  if (mode > UpdateMode::kExist || prefix.bits > view_.data_size * 8) return -EINVAL;
  const SpinGuard guard(lock_);
  const Place place = find_locked(prefix);
  if (is_exact(place, prefix) && has_value(place.node)) {
    if (mode == UpdateMode::kNoExist) return -EEXIST;
  } else {
    if (mode == UpdateMode::kExist) return -ENOENT;
    if (count_ == spec().max_entries) return -ENOSPC;
    ++count_;
  }
  const std::uint32_t fresh = new_node(prefix, value);
  const bool had_value = is_exact(place, prefix) && has_value(place.node);
  const Unlinked unlinked = link_new(place, prefix, fresh);
  publish({.data = prefix.data, .bits = prefix.bits, .now = fresh, .before = had_value ? place.node : 0}, unlinked);
  return 0;
}

// A node with a value, not linked yet; without `value` one that only branches.
std::uint32_t LpmTrieMap::new_node(const Prefix& prefix, const std::byte* value) noexcept {
  const std::uint32_t number = value != nullptr ? with_value_.get() : last_with_value_ + without_value_.get();
  SLUICE_DCHECK(number != 0);  // the pools have more nodes than a trie of max_entries prefixes can need
  LpmTrieNode& node = at(number);
  store(node.children[0], 0);
  store(node.children[1], 0);
  store(node.prefix, prefix.bits | (value != nullptr ? kLpmValue : 0));
  store(node.covering, 0);
  words_store(lpm_trie_data(&node), prefix.data, view_.data_size);
  if (value != nullptr) {
    words_store(lpm_trie_value(&view_, number), reinterpret_cast<const std::uint8_t*>(value), spec().value_size);
  }
  return number;
}

void LpmTrieMap::free_node(std::uint32_t node) noexcept {
  if (node == 0) return;
  node <= last_with_value_ ? with_value_.put(node) : without_value_.put(node - last_with_value_);
}

LpmTrieMap::Unlinked LpmTrieMap::link_new(const Place& place, const Prefix& prefix, std::uint32_t fresh) noexcept {
  if (place.node == 0) {
    store(*place.link, fresh);
    return {};
  }
  LpmTrieNode& old = at(place.node);
  if (is_exact(place, prefix)) {
    for (const unsigned side : {0U, 1U}) store(at(fresh).children[side], child(place.node, side));
    store(*place.link, fresh);
    return {place.node, 0};
  }
  const unsigned old_side = lpm_trie_bit(lpm_trie_data(&old), place.matching);
  if (place.matching == prefix.bits) {
    store(at(fresh).children[old_side], place.node);
    store(*place.link, fresh);
    return {};
  }
  const std::uint32_t branch = new_node({place.matching, prefix.data}, nullptr);
  store(at(branch).children[old_side], place.node);
  store(at(branch).children[1 - old_side], fresh);
  store(*place.link, branch);
  return {};
}

int LpmTrieMap::erase(const std::byte* key) noexcept {
  const Prefix prefix = prefix_of(key);
  if (frozen()) return -EPERM;
  if (prefix.bits > view_.data_size * 8) return -EINVAL;
  const SpinGuard guard(lock_);
  const Place place = find_locked(prefix);
  if (!is_exact(place, prefix) || !has_value(place.node)) return -ENOENT;
  --count_;
  const Unlinked unlinked = unlink(place);
  publish({.data = prefix.data, .bits = prefix.bits, .before = place.node, .shorter = place.shorter}, unlinked);
  return 0;
}

LpmTrieMap::Unlinked LpmTrieMap::unlink(const Place& place) noexcept {
  const std::uint32_t left = child(place.node, 0);
  const std::uint32_t right = child(place.node, 1);
  if (left != 0 && right != 0) {
    store(at(place.node).prefix, lpm_trie_bits(&at(place.node)));
    return {};
  }
  if (left == 0 && right == 0 && place.parent != 0 && !has_value(place.parent)) {
    // The branch above has one way left: its other child takes its place.
    const std::uint32_t* const children = at(place.parent).children;
    store(*place.parent_link, load(children[place.link == &children[0] ? 1 : 0]));
    return {place.node, place.parent};
  }
  store(*place.link, left != 0 ? left : right);
  return {place.node, 0};
}

void LpmTrieMap::publish(const LpmIndex::Change& change, Unlinked unlinked) noexcept {
  const bool tables_left = index_.follow(change);
  // Look-ups that may still be on these see the number change before anybody fills them anew; those that have met what
  // went without leaving its node must not take it for what is left.
  if (change.now != 0 && unlinked.first == 0 && !tables_left) return;
  store(view_.sequence, load(view_.sequence) + 1);
  free_node(unlinked.first);
  free_node(unlinked.second);
  index_.reuse();
}

// The nodes from the root down to one of them.
struct LpmTrieMap::Path {
  std::array<std::uint32_t, 256 * 8 + 1> nodes;
  std::size_t depth = 0;

  [[nodiscard]] std::uint32_t last() const noexcept { return depth == 0 ? 0 : nodes[depth - 1]; }
  void push(std::uint32_t node) noexcept { nodes[depth++] = node; }
};

// Goes on to the node that comes first below `node`, itself last.
void LpmTrieMap::descend(Path& path, std::uint32_t node) const noexcept {
  while (node != 0) {
    path.push(node);
    node = child(node, 0) != 0 ? child(node, 0) : child(node, 1);
  }
}

// Goes on to the next node of the trie; the path is empty at the end.
void LpmTrieMap::step(Path& path) const noexcept {
  const std::uint32_t node = path.last();
  --path.depth;
  const std::uint32_t parent = path.last();
  if (parent != 0 && child(parent, 0) == node) descend(path, child(parent, 1));
}

// False when the prefix has no element.
bool LpmTrieMap::path_to(const Prefix& prefix, Path& path) const noexcept {
  for (std::uint32_t node = load(view_.root); node != 0;) {
    LpmTrieNode& now = at(node);
    const std::uint32_t bits = lpm_trie_bits(&now);
    const std::uint32_t most = std::min(bits, prefix.bits);
    path.push(node);
    if (lpm_trie_match(view_.data_size, &now, prefix.data, most) != bits) return false;
    if (bits == prefix.bits) return has_value(node);
    node = child(node, lpm_trie_bit(prefix.data, bits));
  }
  return false;
}

bool LpmTrieMap::next_key(const std::byte* key, std::byte* next) const {
  const SpinGuard guard(lock_);
  Path path;
  if (key != nullptr && prefix_of(key).bits <= view_.data_size * 8 && path_to(prefix_of(key), path)) {
    step(path);
  } else {
    path.depth = 0;
    descend(path, load(view_.root));
  }
  while (path.depth != 0 && !has_value(path.last())) step(path);
  if (path.depth == 0) return false;
  LpmTrieNode& node = at(path.last());
  const std::uint32_t bits = lpm_trie_bits(&node);
  std::memcpy(next, &bits, sizeof bits);
  words_load(reinterpret_cast<std::uint8_t*>(next) + sizeof bits, lpm_trie_data(&node), view_.data_size);
  return true;
}

}  // namespace sluice::vm
