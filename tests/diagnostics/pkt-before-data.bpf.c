// Two bytes in front of the frame are read.
// patch: line 11: write `type[6]` instead of `type[-1]`
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  if (data + sizeof(struct ethhdr) > data_end) return XDP_DROP;
  __u16 *type = data;
  if (type[-1] == bpf_htons(ETH_P_IP)) return XDP_DROP;
  return XDP_PASS;
}
