// why: elements of a hash are counted and changed, their keys read
#include "prelude.bpf.inc"

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 64);
  __type(key, __u32);
  __type(value, __u64);
} counts SEC(".maps");

struct found {
  __u64 sum;
  __u32 keys;
};

static long look(void *map, __u32 *key, __u64 *value, struct found *found) {
  found->keys += *key;
  found->sum += *value;
  *value += 1;
  return found->sum > 1000000;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  struct found found = {};
  __u32 key = (ctx->data_end - ctx->data) & 31;
  __u64 one = key;
  bpf_map_update_elem(&counts, &key, &one, BPF_ANY);
  long elements = bpf_for_each_map_elem(&counts, look, &found, 0);
  return (found.sum + found.keys + elements) & 1 ? XDP_DROP : XDP_PASS;
}
