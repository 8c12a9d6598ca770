#pragma once
// The writer's side of the index of an LPM trie (vm/maps/lpm_trie_view.h): follows each change of the trie. A change
// writes at most 256 entries of one table, or 2^kReach of the first, and makes at most one table a byte of the key.
// Tables are made where a look-up would walk more than kMostSteps nodes, as long as there are any; without, it walks.
// Under the map's lock, but for the look-ups beside it.
#include <cstdint>

#include "base/result.h"
#include "vm/maps/element_pool.h"
#include "vm/maps/lpm_trie_view.h"
#include "vm/maps/map_memory.h"

namespace sluice::vm {

class LpmIndex {
 public:
  static constexpr std::uint32_t kMostSteps = 2;
  static constexpr std::uint32_t kReach = 10;  // a prefix that much shorter than `first` reaches is in it

  // Address space for an index of a map of `max_entries` keys; sets the view's part of it. data_size is set.
  static Result<MapMemory> reserve(std::uint32_t max_entries, std::uint32_t data_size);
  LpmIndex(LpmTrieView& view, MapMemory memory, std::uint32_t max_entries) noexcept;

  // A prefix changed in the trie. Nodes that are no longer in it may be used again only after this.
  struct Change {
    const std::uint8_t* data = nullptr;
    std::uint32_t bits = 0;
    std::uint32_t now = 0;      // its node with a value; 0 = it went
    std::uint32_t before = 0;   // the one it had; 0 = none
    std::uint32_t shorter = 0;  // when it went: the longest prefix of it that has a value, 0 = none
  };
  // True when tables were given up: look-ups may still be on them, so the sequence must go up.
  bool follow(const Change& change) noexcept;
  // Tables given up may be used again: the sequence has gone up.
  void reuse() noexcept;

 private:
  struct Sizes;
  // Tables from `first` to the one that a prefix ends in.
  struct Path;

  [[nodiscard]] LpmEntry* table(std::uint32_t number) const noexcept {
    return view_.tables + std::uint64_t{number} * kLpmTableEntries;
  }
  [[nodiscard]] LpmTrieNode& node(std::uint32_t number) const noexcept { return *lpm_trie_node(&view_, number); }
  [[nodiscard]] std::uint32_t child(std::uint32_t number, unsigned side) const noexcept;
  // Whether prefixes of so many bits are in the table `first` or beside what its entries lead to.
  [[nodiscard]] bool in_first(std::uint32_t bits) const noexcept;
  [[nodiscard]] std::uint32_t bits_of(std::uint32_t number) const noexcept;
  // Where the prefix of an entry is that has a way on: kLpmTable or kLpmWalk and a number.
  [[nodiscard]] std::uint32_t& covering(LpmEntry way) const noexcept;
  [[nodiscard]] std::uint32_t prefix_of(LpmEntry entry) const noexcept;
  // `table`: the one the entry is in, 0 = it is in `first`. `way`: 0 = nothing longer is below.
  void set(LpmEntry& entry, std::uint32_t table, std::uint32_t prefix, LpmEntry way) noexcept;
  void restart_lookups() noexcept;
  [[nodiscard]] bool takes(std::uint32_t held, const Change& change) const noexcept;
  void follow_shorter(const Change& change, unsigned level) noexcept;
  void follow_range(LpmEntry* entries, std::uint32_t table, const Change& change, std::uint32_t start,
                    std::uint32_t count) noexcept;
  // The entry's way on, when it is not a table: the first node with more than `bits` bits of `data`.
  [[nodiscard]] std::uint32_t beyond(const std::uint8_t* data, std::uint32_t bits) const noexcept;
  [[nodiscard]] std::uint32_t only_below(std::uint32_t number) const noexcept;
  [[nodiscard]] std::uint32_t steps(std::uint32_t from, const Change& change) const noexcept;
  void expand(Path& path, const Change& change) noexcept;
  void fill(std::uint32_t table, unsigned byte, std::uint32_t from) noexcept;
  void give_up_empty(Path& path) noexcept;

  LpmTrieView& view_;
  MapMemory memory_;
  std::uint16_t* used_ = nullptr;  // by table: entries that are not 0
  ElementPool tables_;
  std::uint32_t given_up_[256];  // since `reuse`
  unsigned given_up_count_ = 0;
};

}  // namespace sluice::vm
