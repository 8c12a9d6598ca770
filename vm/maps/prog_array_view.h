#pragma once
// PROG_ARRAY as the engines see it: plain data and an inline look-up, freestanding (C and C++). A slot holds the
// address of a vm::ProgramSlot (vm/program.h), null when empty. A slot's pointer changes at any time: load it once.
// `slots` and `max_entries` never change. Any thread.
#include <stdint.h>

#ifdef __cplusplus
namespace sluice::vm {
#endif

typedef struct ProgArrayView {
  const void** slots;    // max_entries of them
  uint32_t max_entries;  // indices are 0..max_entries-1
} ProgArrayView;

// The vm::ProgramSlot of `index`, or null when it is out of range or empty.
static inline const void* prog_array_view_slot(const ProgArrayView* view, uint32_t index) {
  if (index >= view->max_entries) return 0;
  return __atomic_load_n(&view->slots[index], __ATOMIC_ACQUIRE);  // pairs with the release store of ProgArrayMap::set
}

#ifdef __cplusplus
}  // namespace sluice::vm
#endif
