// rule: lock-call
// code: lock
// why: a global function is verified without knowing of the lock
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

__attribute__((noinline)) int twice(int number) { return number * 2 + (number == 7); }

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = ctx->rx_queue_index;
  struct counter *counter = bpf_map_lookup_elem(&counters, &key);
  if (!counter) return XDP_PASS;
  bpf_spin_lock(&counter->lock);
  counter->packets = twice(counter->packets);  // <-- refused
  bpf_spin_unlock(&counter->lock);
  return XDP_PASS;
}
