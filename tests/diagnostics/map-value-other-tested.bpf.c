// Of two look-ups, the result of the first is tested twice.
#include "../verifier/prelude.bpf.inc"

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 64);
  __type(key, __u32);
  __type(value, __u64);
} counters SEC(".maps"), limits SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = ctx->ingress_ifindex;
  __u64 *count = bpf_map_lookup_elem(&counters, &key);
  __u64 *limit = bpf_map_lookup_elem(&limits, &key);
  if (!count) return XDP_PASS;
  if (*count > *limit) return XDP_DROP;
  return XDP_PASS;
}
