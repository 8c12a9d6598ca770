#pragma once
// HASH, PERCPU_HASH and their LRU kinds as the engines see them: plain data and an inline look-up, freestanding (C and
// C++).
//
// A bucket is one cache line: 8 slots, each an element number (0 = empty) and a 16-bit tag of its key's hash, and the
// number of an overflow bucket. The first bucket of a chain holds the chain's lock and its sequence number, which is
// odd while slots of the chain change. An element is key and value side by side; its address never changes and its
// memory stays while the map lives. Per-CPU values lie apart, worker-major.
//
// Look-ups take no lock: search, then see that the sequence stayed the same. An element is given to another key only
// after the sequence of the bucket it was in went up, so a key torn by reuse is never taken for a match. Look-ups in
// LRU kinds mark the element they found (vm/maps/lru_lists.h). Any thread.
#include "vm/maps/hash_function_view.h"
#include "vm/maps/words.h"

#ifdef __cplusplus
namespace sluice::vm {
#endif

enum {
  kHashSlots = 8,
  kHashMostMarks = 2  // of an element of an LRU kind
};

typedef struct HashBucket {
  uint64_t tags[2];            // slot i: 16 bits at i % 4 * 16 of tags[i / 4]; 0 = empty
  uint32_t slots[kHashSlots];  // element numbers from 1; 0 = empty. Full slots first, in every chain
  uint32_t next;               // bucket number of the overflow bucket, 0 = none
  uint32_t sequence;           // of the chain; only in its first bucket
  uint32_t lock;               // writers of the chain; only in its first bucket
  uint32_t unused;
} HashBucket;

typedef struct HashView {
  HashBucket* buckets;  // first buckets 0..bucket_mask, then overflow buckets
  uint8_t* elements;    // element n starts at elements + n * element_stride: key, then (shared types) value
  uint8_t* percpu;      // per-CPU types: value of element n, CPU c at percpu + c * cpu_stride + n * value_stride
  uint8_t* marks;       // LRU types: one an element, uses counted, 0..kHashMostMarks; null for the others
  uint64_t cpu_stride;  // bytes, a multiple of 128
  uint64_t seed;        // of the hash
  uint32_t (*hash)(const uint8_t* key, uint32_t bytes, uint64_t seed);
  uint32_t bucket_mask;     // number of first buckets - 1, which is a power of 2
  uint32_t key_size;        // bytes, from 1
  uint32_t value_offset;    // bytes from an element's start: key_size rounded up to 8
  uint32_t element_stride;  // bytes
  uint32_t value_stride;    // bytes: value_size rounded up to 8
} HashView;

static inline uint16_t hash_view_tag(uint32_t hash) { return (uint16_t)((hash >> 16) | 1); }

// Lanes of `tags` that may equal `tag`, as their top bits: every equal lane is there, others may be.
static inline uint64_t hash_view_candidates(uint64_t tags, uint16_t tag) {
  const uint64_t ones = 0x0001000100010001U;
  const uint64_t difference = tags ^ (tag * ones);
  return (difference - ones) & ~difference & (ones << 15);
}

// The element number of `key` in the chain of `bucket`, or 0; one pass, not yet trusted. Both halves are looked at
// before anything depends on either: where in its bucket a key lies, the CPU cannot foresee.
static inline uint32_t hash_view_scan(const HashView* view, const HashBucket* bucket, const uint8_t* key,
                                      uint16_t tag) {
  for (;;) {
    const uint64_t low = hash_view_candidates(__atomic_load_n(&bucket->tags[0], __ATOMIC_ACQUIRE), tag);
    const uint64_t high = hash_view_candidates(__atomic_load_n(&bucket->tags[1], __ATOMIC_ACQUIRE), tag);
    // Bit 16 * i + 14 is slot i, bit 16 * i + 15 slot i + 4.
    for (uint64_t left = low >> 1 | high; left != 0; left &= left - 1) {
      const uint32_t bit = (uint32_t)__builtin_ctzll(left);
      const uint32_t element = __atomic_load_n(&bucket->slots[bit / 16 + (bit & 1) * 4], __ATOMIC_ACQUIRE);
      if (element != 0 && words_equal(view->elements + (uint64_t)element * view->element_stride, key, view->key_size)) {
        return element;
      }
    }
    const uint32_t next = __atomic_load_n(&bucket->next, __ATOMIC_ACQUIRE);
    if (next == 0) return 0;
    bucket = view->buckets + next;
  }
}

// The element number of `key`, whose hash is `hash`; 0 when it is not there.
static inline uint32_t hash_view_find(const HashView* view, const uint8_t* key, uint32_t hash) {
  const HashBucket* const first = view->buckets + (hash & view->bucket_mask);
  for (;;) {
    const uint32_t before = __atomic_load_n(&first->sequence, __ATOMIC_ACQUIRE);
    const uint32_t element = hash_view_scan(view, first, key, hash_view_tag(hash));
    // All loads of the scan are acquire loads, so this one cannot come before them.
    if ((before & 1) == 0 && __atomic_load_n(&first->sequence, __ATOMIC_RELAXED) == before) return element;
  }
}

static inline uint8_t* hash_view_value(const HashView* view, uint32_t element) {
  return view->elements + (uint64_t)element * view->element_stride + view->value_offset;
}

static inline uint8_t* hash_view_percpu_value(const HashView* view, uint32_t element, uint32_t cpu) {
  return view->percpu + cpu * view->cpu_stride + (uint64_t)element * view->value_stride;
}

// HASH: the value of `key`, or null.
static inline uint8_t* hash_view_lookup(const HashView* view, const uint8_t* key) {
  const uint32_t element = hash_view_find(view, key, view->hash(key, view->key_size, view->seed));
  return element != 0 ? hash_view_value(view, element) : 0;
}

// PERCPU_HASH: the value CPU `cpu` has of `key`, or null.
static inline uint8_t* hash_view_percpu_lookup(const HashView* view, const uint8_t* key, uint32_t cpu) {
  const uint32_t element = hash_view_find(view, key, view->hash(key, view->key_size, view->seed));
  return element != 0 ? hash_view_percpu_value(view, element, cpu) : 0;
}

// LRU types: element `element` was used. A line that is only read stays in every worker's cache: what is in use all the
// time is written no more.
static inline void hash_view_mark(const HashView* view, uint32_t element) {
  uint8_t* const marks = view->marks + element;
  const uint8_t before = __atomic_load_n(marks, __ATOMIC_RELAXED);
  if (before < kHashMostMarks) __atomic_store_n(marks, (uint8_t)(before + 1), __ATOMIC_RELAXED);
}

// LRU_HASH and LRU_PERCPU_HASH: as above, and the element is marked.
static inline uint8_t* hash_view_lru_lookup(const HashView* view, const uint8_t* key) {
  const uint32_t element = hash_view_find(view, key, view->hash(key, view->key_size, view->seed));
  if (element == 0) return 0;
  hash_view_mark(view, element);
  return hash_view_value(view, element);
}
static inline uint8_t* hash_view_lru_percpu_lookup(const HashView* view, const uint8_t* key, uint32_t cpu) {
  const uint32_t element = hash_view_find(view, key, view->hash(key, view->key_size, view->seed));
  if (element == 0) return 0;
  hash_view_mark(view, element);
  return hash_view_percpu_value(view, element, cpu);
}

#ifdef __cplusplus
}  // namespace sluice::vm
#endif
