// The number of bytes to load comes from the packet.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u8 buffer[64] = {};
  __u32 size = 0;
  if (bpf_xdp_load_bytes(ctx, 0, &size, sizeof(size))) return XDP_PASS;
  if (bpf_xdp_load_bytes(ctx, 4, buffer, size)) return XDP_PASS;
  return buffer[0] ? XDP_DROP : XDP_PASS;
}
