// A pointer is rounded down with &.
// patch: line 9: write `(data + 12)` instead of `((__u64)(data + 14) & ~3ULL)`
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  __u32 *word = (void *)((__u64)(data + 14) & ~3ULL);
  if ((void *)(word + 1) > data_end) return XDP_PASS;
  return *word ? XDP_DROP : XDP_PASS;
}
