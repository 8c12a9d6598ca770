// why: an argument that is declared never to be null needs no check; frames may be lent as well
#include "prelude.bpf.inc"

#define NEVER_NULL __attribute__((btf_decl_tag("arg:nonnull")))

__attribute__((noinline)) int swap(struct ethhdr *eth NEVER_NULL) {
  __u8 first = eth->h_dest[0];
  eth->h_dest[0] = eth->h_source[0];
  eth->h_source[0] = first;
  return eth->h_proto;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *end = (void *)(long)ctx->data_end;
  if (data + sizeof(struct ethhdr) > end) return XDP_PASS;
  return swap(data) == bpf_htons(ETH_P_IP) ? XDP_TX : XDP_DROP;
}
