// The value is added to before it is tested.
#include "../verifier/prelude.bpf.inc"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 64);
  __type(key, __u32);
  __type(value, __u64[4]);
} counters SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = ctx->rx_queue_index;
  __u64 *value = bpf_map_lookup_elem(&counters, &key);
  __sync_fetch_and_add(&value[1], 1);
  if (!value) return XDP_PASS;
  return XDP_DROP;
}
