// rule: stack-bounds
// code: stack-bounds
// message: by the helper
// why: the helper is told 64 bytes, the buffer has 32
#include "prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u8 buffer[32] = {};
  if (bpf_xdp_load_bytes(ctx, 0, buffer, 64))  // <-- refused
    return XDP_PASS;
  return buffer[0] == 7 ? XDP_DROP : XDP_PASS;
}
