// The program returns a pointer.
// kernel: accepts, because root may return a pointer (docs/differences.md)
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
long program(struct xdp_md *ctx) {
  return (long)ctx->data;
}
