// why: a loop over at most four VLAN tags carries the cursor with it
#include "prelude.bpf.inc"

struct vlan {
  __be16 tag, type;
};

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *cursor = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  struct ethhdr *eth = cursor;
  cursor = eth + 1;
  if (cursor > data_end) return XDP_PASS;
  __be16 type = eth->h_proto;
#pragma clang loop unroll(disable)
  for (int i = 0; i < 4; ++i) {
    if (type != bpf_htons(ETH_P_8021Q) && type != bpf_htons(ETH_P_8021AD)) break;
    struct vlan *vlan = cursor;
    cursor = vlan + 1;
    if (cursor > data_end) return XDP_DROP;
    type = vlan->type;
  }
  return type == bpf_htons(ETH_P_IP) ? XDP_TX : XDP_PASS;
}
