// The map's key has 8 bytes, the variable 4.
#include "../verifier/prelude.bpf.inc"

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 64);
  __type(key, __u64);
  __type(value, __u64);
} counters SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = ctx->ingress_ifindex;
  if (bpf_map_lookup_elem(&counters, &key)) return XDP_DROP;
  return XDP_PASS;
}
