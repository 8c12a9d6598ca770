// One kind of option is met without moving on.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  __u8 *option = data + 54;
  while ((void *)(option + 2) <= data_end) {
    if (option[0] == 0) return XDP_PASS;
    if (option[0] == 1) continue;
    option += 2;
  }
  return XDP_DROP;
}
