// A program array is looked up like any other.
// patch: remove line 15: if (!bpf_map_lookup_elem(&stages, &key)) return XDP_PASS;
#include "../verifier/prelude.bpf.inc"

struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, __u32);
} stages SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = 1;
  if (!bpf_map_lookup_elem(&stages, &key)) return XDP_PASS;
  bpf_tail_call(ctx, &stages, key);
  return XDP_PASS;
}
