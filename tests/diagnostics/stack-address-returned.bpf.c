// A function returns the address of its own variable.
#include "../verifier/prelude.bpf.inc"

static __noinline char *name_of(struct xdp_md *ctx) {
  char name[8];
  char *result = name;
  bpf_xdp_load_bytes(ctx, 0, name, sizeof(name));
  asm volatile("" : "+r"(result));
  return result;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  return name_of(ctx)[0] ? XDP_DROP : XDP_PASS;
}
