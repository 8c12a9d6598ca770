// rule: register-init
// code: uninit-read
// why: the key of an array is lent to the body, where it lies is used for other things later
// kernel: accepts, because it reads its own stack then
#include "prelude.bpf.inc"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, __u32);
} counts SEC(".maps");

static long keep(void *map, __u32 *key, __u32 *value, __u32 **kept) {
  *kept = key;
  return 0;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 zero = 0, *kept = &zero;
  bpf_for_each_map_elem(&counts, keep, &kept, 0);
  __u32 *key = *(__u32 *volatile *)&kept;
  return *key ? XDP_PASS : XDP_DROP;  // <-- refused
}
