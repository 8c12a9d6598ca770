#pragma once
// LPM_TRIE as the engines see it: plain data and an inline look-up, freestanding (C and C++).
//
// A binary trie without one-way branches: a node stands for a prefix, its children for longer ones that differ in the
// bit behind it. Nodes without a value only branch. Beside it an index, for keys of full length: tables by a key's
// first bytes, then by one byte each, until few nodes are left to walk. An entry of level k (bytes 0..k) stands for the
// longest prefix of 8k+1 to 8k+8 bits (level 0: from 0) that covers its bytes, and for where longer ones are. In its 4
// bytes it has one of the two; when longer ones are below, its prefix is with these: in the node to walk on from
// (`covering`; a node is the start of one entry at most) or in `covering` of the table. The first levels are tables of
// their own: `first` for the last of them and for prefixes that are little shorter (LpmIndex::kReach), `shorter` for
// those above, which matter where nothing longer fits.
//
// Every change is, for one key, published by one store: of a link (root or child) for those that walk the trie, of an
// entry or its prefix for those that use the index. So look-ups take no lock. What is taken out is used again only
// after `sequence` went up: a look-up during which it changed may have strayed and starts again. While a new table
// takes over from a node, whose `covering` then is of another entry, the entry sends look-ups to the root. A node's
// address never changes. Any thread.
#include "vm/maps/words.h"

#ifdef __cplusplus
namespace sluice::vm {
#endif

typedef struct LpmTrieNode {
  uint32_t children[2];  // node numbers by the bit behind the prefix; 0 = none
  uint32_t prefix;       // 0..8 * data_size bits; kLpmValue is set in it when it has a value
  uint32_t covering;     // of the index's entry that a walk starts here for, if one does: its prefix, 0 = none
} LpmTrieNode;           // then the data rounded up to 8
static const uint32_t kLpmValue = 1U << 31;

// An entry of the index: 0; the node with its prefix when nothing longer is below; kLpmWalk and the node to walk on
// from (0: from the root, which finds the prefix, too); kLpmTable and the number of a table of the next level.
typedef uint32_t LpmEntry;
enum { kLpmTableEntries = 256 };
static const uint32_t kLpmWalk = 1U << 31;
static const uint32_t kLpmTable = 3U << 30;
static const uint32_t kLpmNumber = (1U << 30) - 1;  // the bits of a node's or table's number

// Nodes that came with a value have numbers below all others, and values lie by themselves: close together.
typedef struct LpmTrieView {
  uint8_t* nodes;        // node n, from 1, starts at nodes + n * node_stride
  LpmEntry* first;       // by a key's first first_bits bits
  LpmEntry* tables;      // table n, from 1, starts at tables + n * kLpmTableEntries
  uint32_t* covering;    // by table: the prefix of the entry that leads to it, 0 = none
  uint32_t* shorter[2];  // nodes by the first 8 and 16 bits; those of less than first_bits are used
  uint8_t* values;       // the value of node n starts at values + n * value_stride
  uint32_t first_bits;   // 8, 16 or 24
  uint32_t first_shift;  // 32 - first_bits
  uint32_t node_stride;  // bytes
  uint32_t value_stride;
  uint32_t data_size;  // bytes of a key behind its 4 bytes of prefix length, 1..256
  uint32_t root;       // node number; 0 = the trie is empty
  uint32_t sequence;
} LpmTrieView;

static inline LpmTrieNode* lpm_trie_node(const LpmTrieView* view, uint32_t node) {
  return (LpmTrieNode*)(void*)(view->nodes + (uint64_t)node * view->node_stride);
}

static inline uint8_t* lpm_trie_data(LpmTrieNode* node) { return (uint8_t*)(node + 1); }

static inline uint32_t lpm_trie_bits(const LpmTrieNode* node) {
  return __atomic_load_n(&node->prefix, __ATOMIC_ACQUIRE) & ~kLpmValue;
}

static inline int lpm_trie_has_value(const LpmTrieNode* node) {
  return (__atomic_load_n(&node->prefix, __ATOMIC_ACQUIRE) & kLpmValue) != 0;
}

static inline uint32_t lpm_trie_bit(const uint8_t* data, uint32_t bit) { return (data[bit / 8] >> (7 - bit % 8)) & 1U; }

// How many of the first `most` bits of a node's data and of `data` agree. `most` is at most 8 * data_size, the
// view's: here and below it is an argument so that callers who know it can have it unrolled.
static inline uint32_t lpm_trie_match(uint32_t data_size, LpmTrieNode* node, const uint8_t* data, uint32_t most) {
  const uint64_t* stored = (const uint64_t*)(const void*)lpm_trie_data(node);
  for (uint32_t bit = 0; bit < most; bit += 64, ++stored) {
    const uint32_t left = data_size - bit / 8;
    const uint64_t word = left >= 8 ? word_at(data + bit / 8) : word_tail(data + bit / 8, left);
    const uint64_t difference = __builtin_bswap64(__atomic_load_n(stored, __ATOMIC_ACQUIRE) ^ word);
    if (difference != 0) {
      const uint32_t agreed = bit + (uint32_t)__builtin_clzll(difference);
      return agreed < most ? agreed : most;
    }
  }
  return most;
}

// 1 when the first `bits` bits, at most 8 * data_size, of a node's data and of `data` agree.
static inline int lpm_trie_fits(uint32_t data_size, LpmTrieNode* node, const uint8_t* data, uint32_t bits) {
  const uint64_t* stored = (const uint64_t*)(const void*)lpm_trie_data(node);
  for (; bits >= 64; bits -= 64, data += 8, data_size -= 8) {
    if (__atomic_load_n(stored++, __ATOMIC_ACQUIRE) != word_at(data)) return 0;
  }
  if (bits == 0) return 1;
  const uint64_t word = data_size % 8 == 0 || data_size > 8 ? word_at(data) : word_tail(data, data_size);
  return __builtin_bswap64(__atomic_load_n(stored, __ATOMIC_ACQUIRE) ^ word) >> (64 - bits) == 0;
}

// The number of the node with the longest prefix of the first `bits` bits of `data`, of those from `node` down, or 0;
// not yet trusted.
static inline uint32_t lpm_trie_walk(const LpmTrieView* view, uint32_t data_size, uint32_t node, const uint8_t* data,
                                     uint32_t bits) {
  uint32_t found = 0;
  for (uint32_t least = 0; node != 0;) {
    LpmTrieNode* const at = lpm_trie_node(view, node);
    const uint32_t held = __atomic_load_n(&at->prefix, __ATOMIC_ACQUIRE);
    const uint32_t prefix = held & ~kLpmValue;
    if (prefix < least || prefix > bits) break;  // prefixes grow on every way down, or the walk has strayed
    if (!lpm_trie_fits(data_size, at, data, prefix)) break;
    if ((held & kLpmValue) != 0) found = node;
    if (prefix == data_size * 8) break;
    node = __atomic_load_n(&at->children[lpm_trie_bit(data, prefix)], __ATOMIC_ACQUIRE);
    least = prefix + 1;
  }
  return found;
}

// The place of `data` in LpmTrieView::first.
static inline uint32_t lpm_index_first(const LpmTrieView* view, uint32_t data_size, const uint8_t* data) {
  uint32_t word;
  if (data_size >= 4) {
    __builtin_memcpy(&word, data, sizeof word);
  } else {
    word = (uint32_t)word_tail(data, data_size);
  }
  return __builtin_bswap32(word) >> view->first_shift;
}

// What an entry finds that says to walk from `start`; `found`: the prefix of the entries before it. `quick`: a walk
// from the root is left, and the answer is 0.
static inline uint32_t lpm_index_end(const LpmTrieView* view, uint32_t data_size, const uint8_t* data, uint32_t start,
                                     uint32_t found, int quick) {
  const uint32_t all = data_size * 8;
  if (start == 0) {
    if (quick) return 0;
    return lpm_trie_walk(view, data_size, __atomic_load_n(&view->root, __ATOMIC_ACQUIRE), data, all);
  }
  LpmTrieNode* const at = lpm_trie_node(view, start);
  const uint32_t covering = __atomic_load_n(&at->covering, __ATOMIC_ACQUIRE);
  if (covering != 0) found = covering;
  const uint32_t held = __atomic_load_n(&at->prefix, __ATOMIC_ACQUIRE);
  const uint32_t bits = held & ~kLpmValue;
  if (!lpm_trie_fits(data_size, at, data, bits)) return found;
  if ((held & kLpmValue) != 0) found = start;
  if (bits == all) return found;
  const uint32_t child = __atomic_load_n(&at->children[lpm_trie_bit(data, bits)], __ATOMIC_ACQUIRE);
  if (child == 0) return found;
  const uint32_t longer = lpm_trie_walk(view, data_size, child, data, all);
  return longer != 0 ? longer : found;
}

// The table of `shorter` for prefixes that are up to 8 bits shorter than those of `first`, or null.
static inline const uint32_t* lpm_index_above(const LpmTrieView* view) {
  return view->first_bits > 8 ? view->shorter[view->first_bits / 8 - 2] : 0;
}

// What the tables from `first` down have for `data`, `first` its place there; `found` when that is nothing.
static inline uint32_t lpm_index_tables(const LpmTrieView* view, uint32_t data_size, const uint8_t* data,
                                        uint32_t first, uint32_t found, int quick) {
  LpmEntry entry = __atomic_load_n(&view->first[first], __ATOMIC_ACQUIRE);
  // A look-up that has strayed may find more tables than a key has bytes.
  for (uint32_t byte = view->first_bits / 8; entry >= kLpmTable && byte < data_size; ++byte) {
    const uint64_t table = entry & kLpmNumber;
    const uint32_t covering = __atomic_load_n(&view->covering[table], __ATOMIC_ACQUIRE);
    entry = __atomic_load_n(&view->tables[table * kLpmTableEntries + data[byte]], __ATOMIC_ACQUIRE);
    if (covering != 0) found = covering;
  }
  if (entry >= kLpmTable) return 0;
  if (entry >= kLpmWalk) return lpm_index_end(view, data_size, data, entry & kLpmNumber, found, quick);
  return entry != 0 ? entry : found;
}

// The same as lpm_trie_walk from the root with all bits, by the index. What is shorter is read before what is longer,
// as on a walk: a prefix that comes after a longer one is not found in its place.
static inline uint32_t lpm_index_walk(const LpmTrieView* view, uint32_t data_size, const uint8_t* data) {
  const uint32_t first = lpm_index_first(view, data_size, data);
  uint32_t found = 0;
  for (uint32_t bits = 8; bits < view->first_bits; bits += 8) {
    const uint32_t longer =
        __atomic_load_n(&view->shorter[bits / 8 - 1][first >> (view->first_bits - bits)], __ATOMIC_ACQUIRE);
    if (longer != 0) found = longer;
  }
  return lpm_index_tables(view, data_size, data, first, found, 0);
}

// lpm_index_walk without what is above `first` and what is rare; 0 = ask that one.
static inline uint32_t lpm_index_quick(const LpmTrieView* view, uint32_t data_size, const uint8_t* data) {
  return lpm_index_tables(view, data_size, data, lpm_index_first(view, data_size, data), 0, 1);
}

// The node number that `key` (4 bytes of prefix length, then data) finds, or 0.
static inline uint32_t lpm_trie_find(const LpmTrieView* view, const uint8_t* key) {
  uint32_t bits;
  __builtin_memcpy(&bits, key, sizeof bits);
  if (bits > view->data_size * 8) return 0;
  for (;;) {
    const uint32_t before = __atomic_load_n(&view->sequence, __ATOMIC_ACQUIRE);
    const uint32_t node =
        bits == view->data_size * 8
            ? lpm_index_walk(view, view->data_size, key + 4)
            : lpm_trie_walk(view, view->data_size, __atomic_load_n(&view->root, __ATOMIC_ACQUIRE), key + 4, bits);
    // All loads of the walk are acquire loads, so this one cannot come before them.
    if (__atomic_load_n(&view->sequence, __ATOMIC_RELAXED) == before) return node;
  }
}

static inline uint8_t* lpm_trie_value(const LpmTrieView* view, uint32_t node) {
  return view->values + (uint64_t)node * view->value_stride;
}

// The value of the longest prefix of `key`, or null.
static inline uint8_t* lpm_trie_lookup(const LpmTrieView* view, const uint8_t* key) {
  const uint32_t node = lpm_trie_find(view, key);
  return node != 0 ? lpm_trie_value(view, node) : 0;
}

#ifdef __cplusplus
}  // namespace sluice::vm
#endif
