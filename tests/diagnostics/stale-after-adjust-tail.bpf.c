// bpf_xdp_adjust_tail makes all packet pointers void, data included.
// patch: before line 12: ip = (void *)(long)ctx->data + 14; if ((void *)(ip + 1) > (void *)(long)ctx->data_end) return XDP_DROP;
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  struct iphdr *ip = data + sizeof(struct ethhdr);
  if ((void *)(ip + 1) > data_end) return XDP_DROP;
  if (bpf_xdp_adjust_tail(ctx, -8)) return XDP_DROP;
  if (ip->protocol == IPPROTO_UDP) return XDP_DROP;
  return XDP_PASS;
}
