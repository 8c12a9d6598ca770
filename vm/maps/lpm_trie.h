#pragma once
// LPM_TRIE: longest-prefix match of keys of up to 256 bytes. Look-ups take no lock (vm/maps/lpm_trie_view.h), writers
// lock the trie; updating an existing prefix publishes a new element. Threads: as vm/maps/map.h says.
#include "vm/maps/element_pool.h"
#include "vm/maps/lpm_index.h"
#include "vm/maps/lpm_trie_view.h"
#include "vm/maps/map.h"
#include "vm/maps/map_memory.h"

namespace sluice::vm {

class LpmTrieMap final : public Map {
 public:
  static Result<std::unique_ptr<Map>> make(const MapSpec& spec, unsigned cpus);

  std::byte* lookup(const std::byte* key, unsigned cpu) noexcept override;
  int update(const std::byte* key, const std::byte* value, UpdateMode mode, unsigned cpu) noexcept override;
  int erase(const std::byte* key) noexcept override;
  // Longest prefixes first below each branch, as the kernel.
  bool next_key(const std::byte* key, std::byte* next) const override;
  int read(const std::byte* key, std::byte* out) override;
  [[nodiscard]] const void* view() const noexcept override { return &view_; }  // LpmTrieView

 private:
  struct Prefix {
    std::uint32_t bits = 0;
    const std::uint8_t* data = nullptr;
  };
  // Where a prefix is or belongs: the link to look at, and what it leads to.
  struct Place {
    std::uint32_t* link = nullptr;
    std::uint32_t node = 0;      // 0 = none
    std::uint32_t matching = 0;  // bits that the node and the prefix share
    std::uint32_t parent = 0;    // the node that `link` is in, 0 = it is the root link
    std::uint32_t* parent_link = nullptr;
    std::uint32_t shorter = 0;  // the node with the longest shorter prefix that has a value, 0 = none
  };
  // Nodes that no link leads to any more; 0 = none.
  struct Unlinked {
    std::uint32_t first = 0, second = 0;
  };

  struct Sizes;

  struct Memory {
    MapMemory view, nodes, index;
  };

  LpmTrieMap(const MapSpec& spec, unsigned cpus, Memory memory);
  static Prefix prefix_of(const std::byte* key) noexcept;
  [[nodiscard]] LpmTrieNode& at(std::uint32_t node) const noexcept { return *lpm_trie_node(&view_, node); }
  [[nodiscard]] std::uint32_t child(std::uint32_t node, unsigned side) const noexcept;
  [[nodiscard]] bool has_value(std::uint32_t node) const noexcept;
  // Under the lock.
  [[nodiscard]] Place find_locked(const Prefix& prefix) noexcept;
  [[nodiscard]] bool is_exact(const Place& place, const Prefix& prefix) const noexcept;
  std::uint32_t new_node(const Prefix& prefix, const std::byte* value) noexcept;
  void free_node(std::uint32_t node) noexcept;
  Unlinked link_new(const Place& place, const Prefix& prefix, std::uint32_t fresh) noexcept;
  Unlinked unlink(const Place& place) noexcept;
  // After a change of the trie: the index follows, and what was unlinked may be used again.
  void publish(const LpmIndex::Change& change, Unlinked unlinked) noexcept;
  struct Path;
  void descend(Path& path, std::uint32_t node) const noexcept;
  void step(Path& path) const noexcept;
  bool path_to(const Prefix& prefix, Path& path) const noexcept;

  MapMemory view_memory_, memory_;
  LpmTrieView& view_;  // not in this object: near what it leads to, as generated code likes it
  // Numbers from 1 for nodes that come with a value, so that values lie close together; those behind them for others.
  ElementPool with_value_, without_value_;
  std::uint32_t last_with_value_;
  LpmIndex index_;
  alignas(64) mutable std::uint32_t lock_ = 0;
  std::uint32_t count_ = 0;  // prefixes with a value, at most max_entries
};

}  // namespace sluice::vm
