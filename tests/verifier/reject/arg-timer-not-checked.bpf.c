// rule: arg-timer
// code: arg-type
// why: the value may not be there
#include "prelude.bpf.inc"

struct flow {
  struct bpf_timer timer;
  __u64 packets;
};
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16);
  __type(key, __u32);
  __type(value, struct flow);
} flows SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = ctx->rx_queue_index;
  struct flow *flow = bpf_map_lookup_elem(&flows, &key);
  return bpf_timer_start(&flow->timer, 1, 0);  // <-- refused
}
