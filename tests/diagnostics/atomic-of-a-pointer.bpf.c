// A pointer is exchanged into a map value.
// patch: line 18: write `1` instead of `(__u64)ctx`
// kernel: accepts, because root may give a pointer to an atomic operation (docs/differences.md)
#include "../verifier/prelude.bpf.inc"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u64);
} last SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = 0;
  __u64 *slot = bpf_map_lookup_elem(&last, &key);
  if (!slot) return XDP_PASS;
  __u64 before = __sync_lock_test_and_set(slot, (__u64)ctx);
  return before ? XDP_DROP : XDP_PASS;
}
