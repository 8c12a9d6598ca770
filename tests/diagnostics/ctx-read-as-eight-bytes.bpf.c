// Two fields are read at once.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u64 *pair = (void *)ctx;
  if (*pair >> 32 == 3) return XDP_DROP;
  return XDP_PASS;
}
