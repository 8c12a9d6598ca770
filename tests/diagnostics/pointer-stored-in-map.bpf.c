// A packet pointer is kept in a map for the next frame.
// patch: line 19: write `(void *)(long)ctx->data_end - data` instead of `(__u64)data`
// kernel: accepts, because root may store pointers in maps (docs/differences.md)
#include "../verifier/prelude.bpf.inc"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u64);
} last SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  __u32 key = 0;
  __u64 *slot = bpf_map_lookup_elem(&last, &key);
  if (!slot) return XDP_PASS;
  *slot = (__u64)data;
  return XDP_PASS;
}
