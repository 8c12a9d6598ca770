// rule: arg-callback-context
// code: arg-type
// why: what a body is handed lies on the stack
#include "prelude.bpf.inc"

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 64);
  __type(key, __u32);
  __type(value, __u64);
} counts SEC(".maps");

static long go_on(__u32 index, void *context) { return 0; }

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = 0;
  __u64 *count = bpf_map_lookup_elem(&counts, &key);
  if (!count) return XDP_PASS;
  return bpf_loop(4, go_on, count, 0) ? XDP_DROP : XDP_PASS;  // <-- refused
}
