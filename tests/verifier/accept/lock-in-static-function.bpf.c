// why: static functions run while a lock is held, and may give it back
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

static __attribute__((noinline)) int finish(struct counter *counter, __u32 bytes) {
  counter->bytes += bytes;
  __u64 all = counter->bytes;
  bpf_spin_unlock(&counter->lock);
  return all > 1000 ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = ctx->rx_queue_index;
  struct counter *counter = bpf_map_lookup_elem(&counters, &key);
  if (!counter) return XDP_PASS;
  bpf_spin_lock(&counter->lock);
  return finish(counter, ctx->data_end - ctx->data);
}
