// A function that makes tail calls has a caller with 300 bytes of stack.
// patch: line 20: write `__u8 buffer[200]` instead of `__u8 buffer[300]`
// patch: line 22: write `buffer[199]` instead of `buffer[299]`
#include "../verifier/prelude.bpf.inc"

struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, __u32);
} stages SEC(".maps");

static __noinline int next(struct xdp_md *ctx) {
  bpf_tail_call(ctx, &stages, 1);
  return XDP_PASS;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u8 buffer[300];
  if (bpf_xdp_load_bytes(ctx, 0, buffer, sizeof(buffer))) return XDP_PASS;
  if (buffer[299]) return XDP_DROP;
  return next(ctx);
}
