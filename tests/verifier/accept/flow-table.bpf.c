// why: a key is made on the stack, looked up, and inserted where there is none
#include "prelude.bpf.inc"

struct flow {
  __u32 source, destination;
  __u8 protocol;
};
struct state {
  __u64 packets, bytes;
};
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 64);
  __type(key, struct flow);
  __type(value, struct state);
} flows SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  struct ethhdr *eth = data;
  struct iphdr *ip = (void *)(eth + 1);
  if ((void *)(ip + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP)) return XDP_PASS;
  struct flow key = {};
  key.source = ip->saddr;
  key.destination = ip->daddr;
  key.protocol = ip->protocol;
  struct state *known = bpf_map_lookup_elem(&flows, &key);
  if (known) {
    __sync_fetch_and_add(&known->packets, 1);
    known->bytes += data_end - data;
    return known->packets > 3 ? XDP_DROP : XDP_PASS;
  }
  struct state fresh = {.packets = 1, .bytes = data_end - data};
  return bpf_map_update_elem(&flows, &key, &fresh, BPF_NOEXIST) ? XDP_ABORTED : XDP_PASS;
}
