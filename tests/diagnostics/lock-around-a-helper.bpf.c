// The time is asked for while the lock is held.
// patch: before line 23: __u64 now = bpf_ktime_get_ns();
// patch: line 24: write `now` instead of `bpf_ktime_get_ns()`
#include "../verifier/prelude.bpf.inc"

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
  counter->bytes = bpf_ktime_get_ns();
  bpf_spin_unlock(&counter->lock);
  return XDP_PASS;
}
