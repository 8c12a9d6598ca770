// The test is upside down: only the null pointer gets past it.
#include "../verifier/prelude.bpf.inc"

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 64);
  __type(key, __u32);
  __type(value, __u64);
} counters SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = ctx->ingress_ifindex;
  volatile __u64 *value = bpf_map_lookup_elem(&counters, &key);
  if (value) return XDP_PASS;
  *value += 1;
  return XDP_DROP;
}
