// why: what a look-up answers is read from where it was asked
#include "prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  struct ethhdr *eth = data;
  struct iphdr *ip = (void *)(eth + 1);
  if ((void *)(ip + 1) > data_end) return XDP_PASS;
  struct bpf_fib_lookup way = {.family = 2, .ifindex = ctx->ingress_ifindex};
  way.ipv4_src = ip->saddr;
  way.ipv4_dst = ip->daddr;
  way.tot_len = bpf_ntohs(ip->tot_len);
  __u32 length = 0;
  if (bpf_fib_lookup(ctx, &way, sizeof(way), 0) != BPF_FIB_LKUP_RET_SUCCESS) return XDP_PASS;
  __builtin_memcpy(eth->h_dest, way.dmac, ETH_ALEN);
  __builtin_memcpy(eth->h_source, way.smac, ETH_ALEN);
  if (bpf_check_mtu(ctx, way.ifindex, &length, 0, 0)) return XDP_DROP;
  return bpf_redirect(way.ifindex, 0);
}
