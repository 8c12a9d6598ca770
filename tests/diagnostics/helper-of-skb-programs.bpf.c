// The helper is for socket buffers.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u8 type = 0;
  if (bpf_skb_load_bytes(ctx, 12, &type, sizeof(type))) return XDP_PASS;
  return type == 8 ? XDP_DROP : XDP_PASS;
}
