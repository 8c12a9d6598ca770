// Four bytes at an odd place of the stack are read at once.
// patch: line 9: write `__u32 *word = (void *)header;` instead of `__u32 *word = (void *)header + 1;`
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u8 header[8];
  if (bpf_xdp_load_bytes(ctx, 0, header, sizeof(header))) return XDP_PASS;
  __u32 *word = (void *)header + 1;
  asm volatile("" : "+r"(word));
  return *word ? XDP_DROP : XDP_PASS;
}
