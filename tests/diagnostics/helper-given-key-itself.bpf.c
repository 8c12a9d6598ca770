// The key is passed by value.
#include "../verifier/prelude.bpf.inc"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, __u64);
} counters SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u64 key = 1;
  if (bpf_map_lookup_elem(&counters, (void *)key)) return XDP_DROP;
  return XDP_PASS;
}
