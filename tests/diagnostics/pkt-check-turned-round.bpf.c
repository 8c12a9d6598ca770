// The compare is the wrong way round: short frames get past it.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  struct iphdr *ip = data + sizeof(struct ethhdr);
  if ((void *)(ip + 1) < data_end) return XDP_PASS;
  if (ip->ttl == 0) return XDP_DROP;
  return XDP_PASS;
}
