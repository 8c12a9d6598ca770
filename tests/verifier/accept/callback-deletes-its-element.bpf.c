// why: the element that is met may go
#include "prelude.bpf.inc"

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 64);
  __type(key, __u32);
  __type(value, __u64);
} counts SEC(".maps");

static long drop(void *map, __u32 *key, __u64 *value, void *context) {
  if (*value & 1) bpf_map_delete_elem(map, key);
  return 0;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = (ctx->data_end - ctx->data) & 63;
  __u64 value = key / 2;
  bpf_map_update_elem(&counts, &key, &value, BPF_ANY);
  return bpf_for_each_map_elem(&counts, drop, 0, 0) > 2 ? XDP_DROP : XDP_PASS;
}
