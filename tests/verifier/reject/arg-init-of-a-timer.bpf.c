// rule: arg-init
// code: uninit-read
// why: the flags are whatever a call left in r3
#include "prelude.bpf.inc"

struct flow {
  __u64 packets;
  struct bpf_timer timer;
  __u32 expired;
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
  if (!flow) return XDP_PASS;
  asm volatile("r1 = %0; r2 = 1; call 171;" ::"r"(&flow->timer)  // <-- refused
               : "r0", "r1", "r2", "r3", "r4", "r5");
  return XDP_PASS;
}
