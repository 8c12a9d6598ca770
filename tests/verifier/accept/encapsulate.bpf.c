// why: the frame grows at its front; the new headers are written after a new compare
#include "prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  struct ethhdr *eth = (void *)(long)ctx->data;
  if ((void *)(eth + 1) > (void *)(long)ctx->data_end) return XDP_PASS;
  struct ethhdr old = *eth;
  if (bpf_xdp_adjust_head(ctx, -(int)sizeof(struct iphdr))) return XDP_DROP;
  eth = (void *)(long)ctx->data;
  struct iphdr *ip = (void *)(eth + 1);
  if ((void *)(ip + 1) > (void *)(long)ctx->data_end) return XDP_DROP;
  *eth = old;
  __builtin_memset(ip, 0, sizeof *ip);
  ip->version = 4;
  ip->ihl = 5;
  ip->protocol = IPPROTO_IPIP;
  return XDP_TX;
}
