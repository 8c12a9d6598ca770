// rule: map-bounds
// code: map-bounds
// why: the compare lets index 16 through, the last counter is 15
#include "prelude.bpf.inc"

struct counters {
  __u64 packets[16];
};
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct counters);
} stats SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 zero = 0;
  struct counters *all = bpf_map_lookup_elem(&stats, &zero);
  if (!all) return XDP_PASS;
  __u32 index = ctx->rx_queue_index;
  if (index > 16) return XDP_PASS;
  all->packets[index]++;  // <-- refused
  return XDP_PASS;
}
