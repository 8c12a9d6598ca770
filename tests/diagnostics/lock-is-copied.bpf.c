// A value is copied whole, with the lock in it.
// patch: before line 23: struct counter copy = {.packets = counter->packets, .bytes = counter->bytes};
// patch: line 24: write `&key, &copy` instead of `&key, counter`
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
  bpf_map_update_elem(&counters, &key, counter, BPF_ANY);
  return XDP_PASS;
}
