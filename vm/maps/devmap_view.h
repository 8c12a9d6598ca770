#pragma once
// DEVMAP as the engines see it: plain data and inline look-ups, freestanding (C and C++). A slot changes in place: the
// value in one store, value and program together under the slot's sequence number, which is odd meanwhile. Any thread.
#include <stdint.h>

#ifdef __cplusplus
namespace sluice::vm {
#endif

typedef struct DevmapSlot {
  uint64_t value;       // low half: ifindex, 0 = the slot is empty; high half: number of the program, 0 = none
  const void* program;  // vm::ProgramSlot (vm/program.h), null = none
  uint32_t sequence;
  uint32_t unused;
} DevmapSlot;

typedef struct DevmapView {
  DevmapSlot* slots;     // max_entries of them
  uint32_t max_entries;  // keys are 0..max_entries-1
} DevmapView;

// What the slot holds, ifindex 0 when it is empty; `program` is set.
static inline uint32_t devmap_slot_read(const DevmapSlot* slot, const void** program) {
  for (;;) {
    const uint32_t before = __atomic_load_n(&slot->sequence, __ATOMIC_ACQUIRE);
    const uint64_t value = __atomic_load_n(&slot->value, __ATOMIC_ACQUIRE);
    *program = __atomic_load_n(&slot->program, __ATOMIC_ACQUIRE);
    if ((before & 1) == 0 && __atomic_load_n(&slot->sequence, __ATOMIC_RELAXED) == before) return (uint32_t)value;
  }
}

// The ifindex of `key`, 0 when there is none; `program` is set when it is not 0.
static inline uint32_t devmap_view_resolve(const DevmapView* view, uint32_t key, const void** program) {
  return key < view->max_entries ? devmap_slot_read(&view->slots[key], program) : 0;
}

// The value of `key` as programs read it, or null.
static inline uint8_t* devmap_view_lookup(const DevmapView* view, uint32_t key) {
  if (key >= view->max_entries) return 0;
  uint64_t* const value = &view->slots[key].value;
  return (uint32_t)__atomic_load_n(value, __ATOMIC_ACQUIRE) != 0 ? (uint8_t*)value : 0;
}

#ifdef __cplusplus
}  // namespace sluice::vm
#endif
