// The length is computed from the pointers and compared; a number proves nothing about the pointer.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  __u64 length = data_end - data;
  if (length < sizeof(struct ethhdr)) return XDP_DROP;
  struct ethhdr *eth = data;
  if (eth->h_proto == bpf_htons(ETH_P_ARP)) return XDP_PASS;
  return XDP_TX;
}
