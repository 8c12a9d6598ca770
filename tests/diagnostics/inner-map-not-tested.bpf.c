// The inner map may be missing.
#include "../verifier/prelude.bpf.inc"

struct inner {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, __u64);
} first SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
  __uint(max_entries, 4);
  __type(key, __u32);
  __array(values, struct inner);
} tenants SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = 1;
  void *inner = bpf_map_lookup_elem(&tenants, &key);
  __u64 *value = bpf_map_lookup_elem(inner, &key);
  if (!value) return XDP_PASS;
  *value += 1;
  return XDP_DROP;
}
