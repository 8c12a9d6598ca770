// why: a global function is verified once, for memory as large as its argument's type says, or null
#include "prelude.bpf.inc"

struct tally {
  __u64 packets, bytes;
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 8);
  __type(key, __u32);
  __type(value, struct tally);
} tallies SEC(".maps");

__attribute__((noinline)) int add(struct tally *tally, __u64 bytes) {
  if (!tally) return 0;
  tally->packets += 1;
  tally->bytes += bytes;
  return tally->packets > 3;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  struct tally own = {2, 0};
  __u32 key = ctx->rx_queue_index;
  __u64 length = ctx->data_end - ctx->data;
  int many = add(bpf_map_lookup_elem(&tallies, &key), length);
  many += add(&own, length);
  many += add(0, length);
  bpf_map_update_elem(&tallies, &key, &own, BPF_ANY);
  return own.packets > 2 && many == 1 ? XDP_DROP : XDP_PASS;
}
