#pragma once
// DEVMAP_HASH as the engines see it: plain data and inline look-ups, freestanding (C and C++). Chains of nodes by the
// low bits of the key, newest first, as in the kernel: broadcasts go out in that order. An update publishes a new node;
// `sequence` is odd while chains change, and look-ups during which it changed start again. Any thread.
#include <stdint.h>

#ifdef __cplusplus
namespace sluice::vm {
#endif

typedef struct DevmapNode {
  uint64_t value;       // low half: ifindex, not 0; high half: number of the program, 0 = none
  const void* program;  // vm::ProgramSlot (vm/program.h), null = none
  uint32_t key;
  uint32_t next;  // node number, 0 = end
} DevmapNode;

typedef struct DevmapHashView {
  DevmapNode* nodes;     // numbered from 1
  uint32_t* heads;       // node numbers by key & bucket_mask; 0 = none
  uint32_t bucket_mask;  // number of heads - 1, which is a power of 2
  uint32_t node_count;   // no chain is longer
  uint32_t sequence;
} DevmapHashView;

// The node number of `key`, or 0; not yet trusted. A walk that strays ends too.
static inline uint32_t devmap_hash_walk(const DevmapHashView* view, uint32_t key) {
  uint32_t node = __atomic_load_n(&view->heads[key & view->bucket_mask], __ATOMIC_ACQUIRE);
  for (uint32_t steps = 0; node != 0 && steps < view->node_count; ++steps) {
    const DevmapNode* const at = &view->nodes[node];
    if (__atomic_load_n(&at->key, __ATOMIC_ACQUIRE) == key) return node;
    node = __atomic_load_n(&at->next, __ATOMIC_ACQUIRE);
  }
  return 0;
}

// The ifindex of `key`, 0 when there is none; `program` is set when it is not 0.
static inline uint32_t devmap_hash_view_resolve(const DevmapHashView* view, uint32_t key, const void** program) {
  for (;;) {
    const uint32_t before = __atomic_load_n(&view->sequence, __ATOMIC_ACQUIRE);
    const uint32_t node = devmap_hash_walk(view, key);
    const uint64_t value = node != 0 ? __atomic_load_n(&view->nodes[node].value, __ATOMIC_ACQUIRE) : 0;
    if (node != 0) *program = __atomic_load_n(&view->nodes[node].program, __ATOMIC_ACQUIRE);
    if ((before & 1) == 0 && __atomic_load_n(&view->sequence, __ATOMIC_RELAXED) == before) return (uint32_t)value;
  }
}

// The value of `key` as programs read it, or null.
static inline uint8_t* devmap_hash_view_lookup(const DevmapHashView* view, uint32_t key) {
  for (;;) {
    const uint32_t before = __atomic_load_n(&view->sequence, __ATOMIC_ACQUIRE);
    const uint32_t node = devmap_hash_walk(view, key);
    if ((before & 1) == 0 && __atomic_load_n(&view->sequence, __ATOMIC_RELAXED) == before) {
      return node != 0 ? (uint8_t*)&view->nodes[node].value : 0;
    }
  }
}

#ifdef __cplusplus
}  // namespace sluice::vm
#endif
