// A walk over a map renames its elements.
// patch: line 13: write `*value = 0` instead of `*key = 0`
#include "../verifier/prelude.bpf.inc"

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 64);
  __type(key, __u32);
  __type(value, __u64);
} counters SEC(".maps");

static long clear(void *map, __u32 *key, __u64 *value, void *context) {
  *key = 0;
  return 0;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  bpf_for_each_map_elem(&counters, clear, 0, 0);
  return XDP_PASS;
}
