// rule: map-key-bounds
// code: map-bounds
// why: the key ends before
#include "prelude.bpf.inc"

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 64);
  __type(key, __u32);
  __type(value, __u64);
} counts SEC(".maps");

static long body(void *map, __u32 *key, __u64 *value, void *context) {
  return key[1] == 7;  // <-- refused
}

SEC("xdp")
int program(struct xdp_md *ctx) { return bpf_for_each_map_elem(&counts, body, 0, 0) ? XDP_DROP : XDP_PASS; }
