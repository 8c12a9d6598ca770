// A function returns the address of its own variable.
// patch: line 7: write `char first` instead of `char *first`
// patch: line 12: write `*result` instead of `result`
// patch: line 17: write `first(ctx)` instead of `first(ctx)[0]`
#include "../verifier/prelude.bpf.inc"

static __noinline char *first(struct xdp_md *ctx) {
  char name[8];
  char *result = name;
  bpf_xdp_load_bytes(ctx, 0, name, sizeof(name));
  asm volatile("" : "+r"(result));
  return result;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  return first(ctx)[0] ? XDP_DROP : XDP_PASS;
}
