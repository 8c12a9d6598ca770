#pragma once
// PERCPU_ARRAY as the engines see it: plain data and an inline look-up, freestanding (C and C++). Worker-major, so that
// a worker's base is one constant and two workers never share a cache line. Members never change. Any thread.
#include <stdint.h>

#ifdef __cplusplus
namespace sluice::vm {
#endif

typedef struct PercpuArrayView {
  uint8_t* values;       // value i of CPU c starts at values + c * cpu_stride + i * stride
  uint64_t cpu_stride;   // bytes, a multiple of 128
  uint32_t max_entries;  // indices are 0..max_entries-1
  uint32_t stride;       // value_size rounded up to 8
} PercpuArrayView;

// The value that CPU `cpu` has of `index`, or null when the index is out of range. `cpu` must be in range.
static inline uint8_t* percpu_array_view_lookup(const PercpuArrayView* view, uint32_t index, uint32_t cpu) {
  return index < view->max_entries ? view->values + cpu * view->cpu_stride + (uint64_t)index * view->stride : 0;
}

#ifdef __cplusplus
}  // namespace sluice::vm
#endif
