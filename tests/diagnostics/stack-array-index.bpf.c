// A byte of the packet indexes an array of 16 on the stack.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  __u8 *bytes = data;
  if ((void *)(bytes + 16) > data_end) return XDP_PASS;
  __u8 seen[16] = {};
  for (int i = 0; i < 4; i++) {
    __u32 index = bytes[i];
    seen[index] = 1;
  }
  return seen[3] ? XDP_DROP : XDP_PASS;
}
