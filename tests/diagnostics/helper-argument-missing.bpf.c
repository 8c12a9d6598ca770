// A helper declared by hand lacks its second argument.
// patch: line 13: write `(*lookup)(void *map, const void *key)` instead of `(*lookup)(void *map)`
// patch: line 18: write `lookup(&counters, &key)` instead of `lookup(&counters)`
#include "../verifier/prelude.bpf.inc"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, __u64);
} counters SEC(".maps");

static void *(*lookup)(void *map) = (void *)BPF_FUNC_map_lookup_elem;

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = bpf_get_smp_processor_id() & 3;
  if (lookup(&counters)) return XDP_DROP;
  return key ? XDP_PASS : XDP_DROP;
}
