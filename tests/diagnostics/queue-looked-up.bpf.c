// A queue has no keys.
// patch: line 14: write `long found = !bpf_map_pop_elem(&ids, &id);` instead of `__u32 *found = bpf_map_lookup_elem(&ids, &id);`
#include "../verifier/prelude.bpf.inc"

struct {
  __uint(type, BPF_MAP_TYPE_QUEUE);
  __uint(max_entries, 16);
  __type(value, __u32);
} ids SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 id = 0;
  __u32 *found = bpf_map_lookup_elem(&ids, &id);
  if (!found) return XDP_DROP;
  return XDP_PASS;
}
