#pragma once
// ARRAY as the engines see it: plain data and an inline look-up, freestanding (C and C++). Engines may bake `values`,
// `stride` and `max_entries` into code: none of them changes while the map lives. Any thread.
#include <stdint.h>

#ifdef __cplusplus
namespace sluice::vm {
#endif

typedef struct ArrayView {
  uint8_t* values;       // value i starts at values + i * stride; 64-byte aligned
  uint32_t max_entries;  // indices are 0..max_entries-1
  uint32_t stride;       // value_size rounded up to 8
} ArrayView;

// The value of `index`, or null when it is out of range.
static inline uint8_t* array_view_lookup(const ArrayView* view, uint32_t index) {
  return index < view->max_entries ? view->values + (uint64_t)index * view->stride : 0;
}

#ifdef __cplusplus
}  // namespace sluice::vm
#endif
