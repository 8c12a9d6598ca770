// rule: special-field
// code: map-access
// why: a value with a lock in it is handed to a helper that reads it whole
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
  key += 1;
  bpf_map_update_elem(&counters, &key, counter, BPF_ANY);  // <-- refused
  return XDP_PASS;
}
