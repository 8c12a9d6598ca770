// The pointer moves on by a length from the packet after it was checked.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  __u8 *option = data + 54;
  if ((void *)(option + 2) > data_end) return XDP_PASS;
  option += option[1];
  if (*option == 8) return XDP_DROP;
  return XDP_PASS;
}
