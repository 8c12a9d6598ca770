// A pointer on the stack is read as 4 bytes.
// patch: line 12: write `(void *)both.pointer < (void *)(long)ctx->data_end` instead of `both.half & 1`
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  union {
    void *volatile pointer;
    volatile __u32 half;
  } both;
  both.pointer = (void *)(long)ctx->data;
  return both.half & 1 ? XDP_DROP : XDP_PASS;
}
