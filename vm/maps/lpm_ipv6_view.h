#pragma once
// A look-up in an LPM trie with 16 bytes of data that the first eight of them, in a register, nearly always decide:
// vm/maps/lpm_trie_view.h unrolled. Freestanding (C and C++). Any thread.
#include "vm/maps/lpm_trie_view.h"

#ifdef __cplusplus
namespace sluice::vm {
#endif

enum { kLpmHeadBits = 64 };

// The number of the node with the longest prefix of all 128 bits; trusted when the view's sequence has not changed
// meanwhile. 0 = ask lpm_trie_find: nothing is found from `first` on, or what comes after `head` decides, or more than
// two nodes are to be walked. `head`: the first 8 bytes of data, big endian. `first_bits`: the view's; callers who know
// it have the look-up unrolled. As in all of the index's look-ups, what is shorter is read before what is longer.
static inline uint32_t lpm_ipv6_quick(const LpmTrieView* view, uint32_t first_bits, uint64_t head) {
  uint32_t found = 0;
  LpmEntry entry = __atomic_load_n(&view->first[head >> (kLpmHeadBits - first_bits)], __ATOMIC_ACQUIRE);
#pragma GCC unroll 8
  for (uint32_t bits = first_bits + 8; bits <= kLpmHeadBits; bits += 8) {
    if (entry < kLpmTable) break;
    const uint64_t table = entry & kLpmNumber;
    const uint32_t covering = __atomic_load_n(&view->covering[table], __ATOMIC_ACQUIRE);
    const uint64_t byte = (head >> (kLpmHeadBits - bits)) & 0xff;
    entry = __atomic_load_n(&view->tables[table * kLpmTableEntries + byte], __ATOMIC_ACQUIRE);
    if (covering != 0) found = covering;
  }
  if (entry < kLpmWalk) return entry != 0 ? entry : found;
  if (entry >= kLpmTable) return 0;
  uint32_t node = entry & kLpmNumber;
  if (node == 0) return 0;
  const uint32_t covering = __atomic_load_n(&lpm_trie_node(view, node)->covering, __ATOMIC_ACQUIRE);
  if (covering != 0) found = covering;
#pragma GCC unroll 2
  for (int steps = 0; steps < 2; ++steps) {
    LpmTrieNode* const at = lpm_trie_node(view, node);
    const uint32_t held = __atomic_load_n(&at->prefix, __ATOMIC_ACQUIRE);
    const uint32_t prefix = held & ~kLpmValue;
    if (prefix >= kLpmHeadBits) return 0;
    const uint64_t* const data = (const uint64_t*)(const void*)lpm_trie_data(at);
    const uint64_t differs = __builtin_bswap64(__atomic_load_n(data, __ATOMIC_ACQUIRE)) ^ head;
    // A look-up that has strayed may be at a node without bits: any answer does, but the shift must not be by 64.
    if (differs >> ((kLpmHeadBits - prefix) % kLpmHeadBits) != 0) return found;
    if ((held & kLpmValue) != 0) found = node;
    node = __atomic_load_n(&at->children[head >> (kLpmHeadBits - 1 - prefix) & 1], __ATOMIC_ACQUIRE);
    if (node == 0) return found;
  }
  return 0;
}

#ifdef __cplusplus
}  // namespace sluice::vm
#endif
