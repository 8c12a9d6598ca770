// A packed member is added to atomically.
// patch: line 8: write `};` instead of `} __attribute__((packed));`
#include "../verifier/prelude.bpf.inc"

struct counters {
  __u8 kind;
  __u64 frames;
} __attribute__((packed));
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct counters);
} totals SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = 0;
  struct counters *c = bpf_map_lookup_elem(&totals, &key);
  if (!c) return XDP_PASS;
  __sync_fetch_and_add(&c->frames, 1);
  return XDP_PASS;
}
