// why: what may be null is not lent to a function that says it is never given null
// rule: address-null
// code: null-deref
#include "prelude.bpf.inc"

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 8);
  __type(key, __u32);
  __type(value, __u64);
} counts SEC(".maps");

__attribute__((noinline)) int count(__u64 *count __attribute__((btf_decl_tag("arg:nonnull")))) {
  return ++*count & 1;  // <-- refused
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = ctx->rx_queue_index;
  return count(bpf_map_lookup_elem(&counts, &key)) ? XDP_DROP : XDP_PASS;
}
