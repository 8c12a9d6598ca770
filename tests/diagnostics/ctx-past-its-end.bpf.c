// struct xdp_md has six fields, the seventh is read.
// patch: line 8: write `fields[4]` instead of `fields[6]`
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 *fields = (__u32 *)ctx;
  if (fields[6] == 0) return XDP_DROP;
  return XDP_PASS;
}
