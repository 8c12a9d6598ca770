// Key and map are the wrong way round.
#include "../verifier/prelude.bpf.inc"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, __u64);
} counters SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = 1;
  if (bpf_map_lookup_elem(&key, &counters)) return XDP_DROP;
  return XDP_PASS;
}
