// A function returns the address of its own variable.
// patch: line 10: write `return spare;` instead of `return result;`
#include "../verifier/prelude.bpf.inc"

static __noinline char *first(struct xdp_md *ctx, char *spare) {
  char name[8];
  char *result = name;
  bpf_xdp_load_bytes(ctx, 0, name, sizeof(name));
  asm volatile("" : "+r"(result), "+r"(spare));
  return result;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  char own[8] = {};
  return first(ctx, own)[0] ? XDP_DROP : XDP_PASS;
}
