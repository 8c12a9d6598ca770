// A global function is verified for null too, though no caller passes it.
#include "../verifier/prelude.bpf.inc"

struct tally {
  __u64 packets, bytes;
};

__attribute__((noinline)) int add(struct tally *tally, __u64 bytes) {
  tally->packets += 1;
  tally->bytes += bytes;
  return 0;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  struct tally own = {0, 0};
  add(&own, ctx->data_end - ctx->data);
  return own.packets > 1 ? XDP_DROP : XDP_PASS;
}
