#pragma once
// ARRAY_OF_MAPS as the engines see it: plain data and an inline look-up, freestanding (C and C++). A slot holds the
// address of a vm::Map, null when empty. It changes at any time: load it once, bake none into code. `slots` and
// `max_entries` never change. Any thread.
#include <stdint.h>

#ifdef __cplusplus
namespace sluice::vm {
#endif

typedef struct ArrayOfMapsView {
  void** slots;          // max_entries of them
  uint32_t max_entries;  // indices are 0..max_entries-1
} ArrayOfMapsView;

// The vm::Map of `index`, or null when it is out of range or empty.
static inline void* array_of_maps_view_lookup(const ArrayOfMapsView* view, uint32_t index) {
  if (index >= view->max_entries) return 0;
  return __atomic_load_n(&view->slots[index], __ATOMIC_ACQUIRE);  // pairs with the release store of ArrayOfMaps::set
}

#ifdef __cplusplus
}  // namespace sluice::vm
#endif
