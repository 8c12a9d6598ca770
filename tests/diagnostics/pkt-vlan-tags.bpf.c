// Only the first of two VLAN tags is checked.
#include "../verifier/prelude.bpf.inc"

struct vlan_hdr {
  __be16 tci;
  __be16 proto;
};

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  struct ethhdr *eth = data;
  struct vlan_hdr *outer = (void *)(eth + 1);
  if ((void *)(outer + 1) > data_end) return XDP_PASS;
  if (outer->proto != bpf_htons(ETH_P_8021Q)) return XDP_PASS;
  struct vlan_hdr *inner = outer + 1;
  if (inner->tci == 0) return XDP_DROP;
  return XDP_PASS;
}
