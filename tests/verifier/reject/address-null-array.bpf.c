// rule: address-null
// code: null-deref
// why: even a look-up in an array may find nothing
#include "prelude.bpf.inc"

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, __u64);
} counts SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = ctx->rx_queue_index;
  __u64 *count = bpf_map_lookup_elem(&counts, &key);
  *count += 1;  // <-- refused
  return XDP_PASS;
}
