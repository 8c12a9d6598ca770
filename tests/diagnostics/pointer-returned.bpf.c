// The program returns a pointer.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
long program(struct xdp_md *ctx) {
  return (long)ctx->data;
}
