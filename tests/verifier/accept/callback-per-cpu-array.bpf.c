// why: each round gets the value of its CPU
#include "prelude.bpf.inc"

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, __u32);
} counts SEC(".maps");

static long add(void *map, __u32 *key, __u32 *value, __u32 *sum) {
  *value += *key;
  *sum += *value;
  return 0;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 sum = 0;
  return bpf_for_each_map_elem(&counts, add, &sum, 0) == 4 && sum & 2 ? XDP_DROP : XDP_PASS;
}
