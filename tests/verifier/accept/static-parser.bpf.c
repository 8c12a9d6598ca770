// why: a static function that is not inlined gets pointers into the packet and to the caller's stack
#include "prelude.bpf.inc"

struct found {
  __u32 source, destination;
};

static __attribute__((noinline)) int parse(void *data, void *data_end, struct found *found) {
  struct ethhdr *eth = data;
  struct iphdr *ip = (void *)(eth + 1);
  if ((void *)(ip + 1) > data_end) return -1;
  if (eth->h_proto != bpf_htons(ETH_P_IP)) return -1;
  found->source = ip->saddr;
  found->destination = ip->daddr;
  return 0;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  struct found found = {};
  if (parse((void *)(long)ctx->data, (void *)(long)ctx->data_end, &found)) return XDP_PASS;
  return found.source == found.destination ? XDP_DROP : XDP_TX;
}
