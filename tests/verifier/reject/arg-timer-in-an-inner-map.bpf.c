// rule: arg-timer
// code: arg-type
// why: the map is another one each time, and nobody knows all of them
// kernel: accepts, because its timers refer to their maps
#include "prelude.bpf.inc"

struct flow {
  struct bpf_timer timer;
  __u64 packets;
};
struct flows {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, struct flow);
} one SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
  __uint(max_entries, 2);
  __type(key, __u32);
  __array(values, struct flows);
} all SEC(".maps") = {.values = {&one}};

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = ctx->rx_queue_index & 1;
  struct flow *flow;
  void *flows = bpf_map_lookup_elem(&all, &key);
  if (!flows) return XDP_PASS;
  flow = bpf_map_lookup_elem(flows, &key);
  if (!flow) return XDP_PASS;
  bpf_timer_init(&flow->timer, flows, 1);  // <-- refused
  return XDP_PASS;
}
