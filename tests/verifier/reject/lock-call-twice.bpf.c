// rule: lock-call
// code: lock
// why: a second lock is taken while one is held: the two could wait for each other
#include "prelude.bpf.inc"

struct counter {
  struct bpf_spin_lock lock;
  __u32 packets;
  __u64 bytes;
};
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 64);
  __type(key, __u32);
  __type(value, struct counter);
} counters SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = ctx->rx_queue_index;
  struct counter *counter = bpf_map_lookup_elem(&counters, &key);
  if (!counter) return XDP_PASS;
  bpf_spin_lock(&counter->lock);
  bpf_spin_lock(&counter->lock);  // <-- refused
  counter->packets += 1;
  bpf_spin_unlock(&counter->lock);
  return XDP_PASS;
}
