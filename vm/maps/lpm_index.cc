#include "vm/maps/lpm_index.h"

#include <algorithm>

namespace sluice::vm {
namespace {

std::uint32_t load(const std::uint32_t& word) { return __atomic_load_n(&word, __ATOMIC_ACQUIRE); }
void store(std::uint32_t& word, std::uint32_t value) { __atomic_store_n(&word, value, __ATOMIC_RELEASE); }

bool is_table(LpmEntry entry) { return entry >= kLpmTable; }
// Of an entry what says where longer prefixes are, 0 = there are none.
LpmEntry way_of(LpmEntry entry) { return entry >= kLpmWalk ? entry : 0; }
LpmEntry walk_from(std::uint32_t number) { return number != 0 ? kLpmWalk | number : 0; }

// The level whose entries hold a prefix.
unsigned level_of(std::uint32_t bits) { return bits == 0 ? 0 : (bits - 1) / 8; }
// Its entries there: the first one by its last byte, and how many.
std::uint32_t first_of(const std::uint8_t* data, std::uint32_t bits) {
  const unsigned level = level_of(bits);
  return data[level] & (0xff00U >> (bits - 8 * level)) & 0xffU;
}
std::uint32_t count_of(std::uint32_t bits) { return 1U << (8 * (level_of(bits) + 1) - bits); }

}  // namespace

struct LpmIndex::Sizes {
  std::uint32_t first_bits, tables;

  Sizes(std::uint32_t max_entries, std::uint32_t data_size)
      // Small tables stay small; large ones find most prefixes of the Internet by one load.
      : first_bits(std::min(max_entries < 256     ? 8U
                            : max_entries < 65536 ? 16U
                                                  : 24U,
                            data_size * 8)),
        tables(data_size * 8 > first_bits ? max_entries / 4 + 64 : 0) {}
  [[nodiscard]] std::uint64_t first_bytes() const { return sizeof(LpmEntry) << first_bits; }
  [[nodiscard]] std::uint64_t shorter_bytes(unsigned bits) const { return bits < first_bits ? 4ULL << bits : 0; }
  [[nodiscard]] std::uint64_t table_bytes() const {
    return (std::uint64_t{tables} + 1) * kLpmTableEntries * sizeof(LpmEntry);
  }
  [[nodiscard]] std::uint64_t covering_bytes() const { return (std::uint64_t{tables} + 1) * 4; }
  [[nodiscard]] std::uint64_t used_bytes() const { return (std::uint64_t{tables} + 1) * 2; }
  [[nodiscard]] std::uint64_t pool_bytes() const { return std::uint64_t{tables} * 4; }
};

Result<MapMemory> LpmIndex::reserve(std::uint32_t max_entries, std::uint32_t data_size) {
  const Sizes sizes(max_entries, data_size);
  std::uint64_t bytes = 0;
  for (const std::uint64_t piece :
       {sizes.first_bytes(), sizes.table_bytes(), sizes.covering_bytes(), sizes.shorter_bytes(8),
        sizes.shorter_bytes(16), sizes.used_bytes(), sizes.pool_bytes()}) {
    bytes += MapMemory::padded(piece);
  }
  return MapMemory::reserve(bytes);
}

LpmIndex::LpmIndex(LpmTrieView& view, MapMemory memory, std::uint32_t max_entries) noexcept
    : view_(view), memory_(std::move(memory)), tables_(nullptr, 0) {
  const Sizes sizes(max_entries, view.data_size);
  view.first_bits = sizes.first_bits;
  view.first_shift = 32 - sizes.first_bits;
  view.first = reinterpret_cast<LpmEntry*>(memory_.take(sizes.first_bytes()));
  view.tables = reinterpret_cast<LpmEntry*>(memory_.take(sizes.table_bytes()));
  view.covering = reinterpret_cast<std::uint32_t*>(memory_.take(sizes.covering_bytes()));
  view.shorter[0] = reinterpret_cast<std::uint32_t*>(memory_.take(sizes.shorter_bytes(8)));
  view.shorter[1] = reinterpret_cast<std::uint32_t*>(memory_.take(sizes.shorter_bytes(16)));
  used_ = reinterpret_cast<std::uint16_t*>(memory_.take(sizes.used_bytes()));
  tables_ = ElementPool(reinterpret_cast<std::uint32_t*>(memory_.take(sizes.pool_bytes())), sizes.tables);
}

std::uint32_t LpmIndex::child(std::uint32_t number, unsigned side) const noexcept {
  return load(node(number).children[side]);
}

bool LpmIndex::in_first(std::uint32_t bits) const noexcept {
  return bits <= view_.first_bits && bits + kReach >= view_.first_bits;
}

std::uint32_t LpmIndex::bits_of(std::uint32_t number) const noexcept { return lpm_trie_bits(&node(number)); }

std::uint32_t& LpmIndex::covering(LpmEntry way) const noexcept {
  return is_table(way) ? view_.covering[way & kLpmNumber] : node(way & kLpmNumber).covering;
}

std::uint32_t LpmIndex::prefix_of(LpmEntry entry) const noexcept {
  return way_of(entry) != 0 ? load(covering(entry)) : entry;
}

void LpmIndex::set(LpmEntry& entry, std::uint32_t table, std::uint32_t prefix, LpmEntry way) noexcept {
  if (way != 0 && load(covering(way)) != prefix) store(covering(way), prefix);
  const LpmEntry fresh = way != 0 ? way : prefix;
  const LpmEntry old = load(entry);
  if (fresh == old) return;
  store(entry, fresh);
  if (table != 0 && old == 0) ++used_[table];
  if (table != 0 && fresh == 0) --used_[table];
}

void LpmIndex::restart_lookups() noexcept { store(view_.sequence, load(view_.sequence) + 1); }

// Whether an entry that holds the node `held` is to hold what the change says: one with a longer prefix is not.
bool LpmIndex::takes(std::uint32_t held, const Change& change) const noexcept {
  if (change.now == 0) return held == change.before;
  return held == 0 || held == change.before || bits_of(held) <= change.bits;
}

struct LpmIndex::Path {
  struct Step {
    LpmEntry* entry;      // that leads to what is next
    std::uint32_t table;  // the one it is in, 0 = `first`
  };
  Step steps[257];
  unsigned depth = 0;

  [[nodiscard]] const Step& last() const noexcept { return steps[depth - 1]; }
  void push(LpmEntry& entry, std::uint32_t table) noexcept { steps[depth++] = {&entry, table}; }
};

bool LpmIndex::follow(const Change& asked) noexcept {
  Change change = asked;
  const unsigned level = level_of(change.bits);
  const unsigned last_first = view_.first_bits / 8 - 1;
  // What takes the place of a prefix that went belongs to the same tables.
  if (change.shorter != 0) {
    const std::uint32_t bits = bits_of(change.shorter);
    if (in_first(bits) != in_first(change.bits) || (!in_first(bits) && level_of(bits) != level)) change.shorter = 0;
  }
  if (change.bits < view_.first_bits && !in_first(change.bits)) {
    follow_shorter(change, level);
    return false;
  }
  const std::uint32_t at = lpm_index_first(&view_, view_.data_size, change.data);
  Path path;
  if (in_first(change.bits)) {
    const std::uint32_t count = 1U << (view_.first_bits - change.bits);
    follow_range(view_.first, 0, change, at & ~(count - 1), count);
    if (change.bits != view_.first_bits) return false;
    path.push(view_.first[at], 0);
  } else {
    path.push(view_.first[at], 0);
    unsigned byte = last_first + 1;  // that the table below the path's last entry is by
    for (; is_table(load(*path.last().entry)); ++byte) {
      const std::uint32_t number = load(*path.last().entry) & kLpmNumber;
      if (level == byte)
        follow_range(table(number), number, change, first_of(change.data, change.bits), count_of(change.bits));
      path.push(table(number)[change.data[byte]], number);
      if (level == byte) break;
    }
  }
  // The last entry's own bits: it leads to nodes with more, or as many.
  const Path::Step& last = path.last();
  const std::uint32_t bits = view_.first_bits + 8 * (path.depth - 1);
  if (change.bits >= bits && !is_table(load(*last.entry))) {
    set(*last.entry, last.table, prefix_of(load(*last.entry)), walk_from(beyond(change.data, bits)));
    if (change.now != 0) expand(path, change);
  }
  give_up_empty(path);
  return given_up_count_ != 0;
}

void LpmIndex::follow_shorter(const Change& change, unsigned level) noexcept {
  std::uint32_t* const entries = view_.shorter[level];
  const std::uint32_t start = (level == 0 ? 0U : change.data[0] * 256U) | first_of(change.data, change.bits);
  for (std::uint32_t i = start; i < start + count_of(change.bits); ++i) {
    if (takes(load(entries[i]), change)) store(entries[i], change.now != 0 ? change.now : change.shorter);
  }
}

void LpmIndex::follow_range(LpmEntry* entries, std::uint32_t table, const Change& change, std::uint32_t start,
                            std::uint32_t count) noexcept {
  for (LpmEntry* at = entries + start; at != entries + start + count; ++at) {
    const LpmEntry held = load(*at);
    if (!takes(prefix_of(held), change)) continue;
    set(*at, table, change.now != 0 ? change.now : change.shorter, way_of(held));
  }
}

std::uint32_t LpmIndex::beyond(const std::uint8_t* data, std::uint32_t bits) const noexcept {
  for (std::uint32_t number = load(view_.root); number != 0;) {
    LpmTrieNode& at = node(number);
    const std::uint32_t prefix = bits_of(number);
    const std::uint32_t most = std::min(prefix, bits);
    if (lpm_trie_match(view_.data_size, &at, data, most) < most) return 0;
    if (prefix > bits) return number;
    if (prefix == bits) return only_below(number);
    number = child(number, lpm_trie_bit(data, prefix));
  }
  return 0;
}

// What to walk on from for all that is below a node: its one child, or the node when it has two.
std::uint32_t LpmIndex::only_below(std::uint32_t number) const noexcept {
  const std::uint32_t left = child(number, 0);
  const std::uint32_t right = child(number, 1);
  if (left != 0 && right != 0) return number;
  return left != 0 ? left : right;
}

// Nodes that a look-up of the changed prefix visits from `from` on.
std::uint32_t LpmIndex::steps(std::uint32_t from, const Change& change) const noexcept {
  std::uint32_t count = 0;
  for (std::uint32_t at = from; at != 0;) {
    ++count;
    const std::uint32_t prefix = bits_of(at);
    if (at == change.now || prefix >= change.bits || count > kMostSteps) break;
    at = child(at, lpm_trie_bit(change.data, prefix));
  }
  return count;
}

void LpmIndex::expand(Path& path, const Change& change) noexcept {
  for (;;) {
    const Path::Step step = path.last();
    const LpmEntry held = load(*step.entry);
    const std::uint32_t from = way_of(held) & kLpmNumber;
    const unsigned byte = view_.first_bits / 8 + path.depth - 1;
    if (from == 0 || byte >= view_.data_size || change.bits <= 8 * byte || steps(from, change) <= kMostSteps) return;
    const std::uint32_t number = tables_.get();
    if (number == 0) return;
    const std::uint32_t prefix = prefix_of(held);
    // In the table `from` may be the start of an entry again, with another prefix than look-ups that have come to it by
    // the old one must find: those start again, and until the table is there others do without.
    store(*step.entry, kLpmWalk);
    restart_lookups();
    fill(number, byte, from);
    set(*step.entry, step.table, prefix, kLpmTable | number);
    path.push(table(number)[change.data[byte]], number);
  }
}

// Enters the nodes from `from` down into an empty table by byte number `byte`. Nests 9 deep at most: on each way down a
// node has more bits than the one above.
void LpmIndex::fill(std::uint32_t into, unsigned byte, std::uint32_t from) noexcept {
  LpmTrieNode& at = node(from);
  const std::uint32_t bits = bits_of(from);
  const std::uint32_t all = 8 * (byte + 1);
  LpmEntry* const entries = table(into);
  const std::uint8_t* const data = lpm_trie_data(&at);
  if (bits > all) return set(entries[data[byte]], into, prefix_of(load(entries[data[byte]])), walk_from(from));
  if (bits > 8 * byte && lpm_trie_has_value(&at) != 0) {
    const std::uint32_t start = first_of(data, bits);
    for (std::uint32_t i = start; i < start + count_of(bits); ++i) set(entries[i], into, from, 0);
  }
  if (bits == all) {
    LpmEntry& entry = entries[data[byte]];
    return set(entry, into, prefix_of(load(entry)), walk_from(only_below(from)));
  }
  for (const unsigned side : {0U, 1U}) {
    if (child(from, side) != 0) fill(into, byte, child(from, side));
  }
}

void LpmIndex::give_up_empty(Path& path) noexcept {
  for (; path.depth > 1 && used_[path.last().table] == 0; --path.depth) {
    const Path::Step& above = path.steps[path.depth - 2];
    set(*above.entry, above.table, prefix_of(load(*above.entry)), 0);
    given_up_[given_up_count_++] = path.last().table;
  }
}

void LpmIndex::reuse() noexcept {
  for (; given_up_count_ != 0; --given_up_count_) tables_.put(given_up_[given_up_count_ - 1]);
}

}  // namespace sluice::vm
