// why: a walk over TCP options, each as long as it says, compared before every read
#include "prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  struct ethhdr *eth = data;
  struct iphdr *ip = (void *)(eth + 1);
  struct tcphdr *tcp = (void *)(ip + 1);
  if ((void *)(tcp + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP)) return XDP_PASS;
  if (ip->protocol != IPPROTO_TCP || ip->ihl != 5) return XDP_PASS;
  __u8 *option = (void *)(tcp + 1);
  __u32 left = (tcp->doff * 4 - 20) & 0x3f;
#pragma clang loop unroll(disable)
  for (int i = 0; i < 10 && left > 0; ++i) {
    if ((void *)(option + 2) > data_end || option[0] == 0) return XDP_PASS;
    __u32 size = option[0] == 1 ? 1 : option[1];
    if (size == 0 || size > left) return XDP_DROP;
    if (option[0] == 2) return XDP_TX;
    option += size;
    left -= size;
  }
  return XDP_PASS;
}
