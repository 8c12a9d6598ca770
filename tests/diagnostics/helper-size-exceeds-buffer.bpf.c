// The size is bounded, by more than the buffer has.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u8 buffer[64] = {};
  __u32 size = bpf_get_prandom_u32();
  if (size < 1 || size > 128) return XDP_PASS;
  if (bpf_xdp_load_bytes(ctx, 4, buffer, size)) return XDP_PASS;
  return buffer[0] ? XDP_DROP : XDP_PASS;
}
