// 64 bytes of packet are loaded into a buffer of 32.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u8 buffer[32];
  if (bpf_xdp_load_bytes(ctx, 0, buffer, 64)) return XDP_PASS;
  return buffer[31] ? XDP_DROP : XDP_PASS;
}
