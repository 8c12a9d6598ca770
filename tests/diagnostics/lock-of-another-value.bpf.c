// The lock of the next counter is given back instead of this one's.
// patch: line 27: write `counter->lock` instead of `next->lock`
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
  key += 1;
  struct counter *next = bpf_map_lookup_elem(&counters, &key);
  if (!next) return XDP_PASS;
  bpf_spin_lock(&counter->lock);
  counter->packets += 1;
  bpf_spin_unlock(&next->lock);
  return XDP_PASS;
}
