// The check is made, its result thrown away.
#include "../verifier/prelude.bpf.inc"

static __always_inline int have(void *from, unsigned bytes, void *data_end) { return from + bytes <= data_end; }

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  have(data, sizeof(struct ethhdr), data_end);
  struct ethhdr *eth = data;
  if (eth->h_proto == bpf_htons(ETH_P_ARP)) return XDP_PASS;
  return XDP_DROP;
}
