// Nine functions call each other in a row.
// patch: line 6: write `static __always_inline int name` instead of `static __noinline int name`
#include "../verifier/prelude.bpf.inc"

#define STEP(name, next)                                                  \
  static __noinline int name(struct xdp_md *ctx) {                        \
    volatile int result = next(ctx);                                      \
    return result;                                                        \
  }
static __noinline int last(struct xdp_md *ctx) { return ctx->rx_queue_index; }
STEP(eighth, last)
STEP(seventh, eighth)
STEP(sixth, seventh)
STEP(fifth, sixth)
STEP(fourth, fifth)
STEP(third, fourth)
STEP(second, third)

SEC("xdp")
int program(struct xdp_md *ctx) {
  return second(ctx) ? XDP_DROP : XDP_PASS;
}
