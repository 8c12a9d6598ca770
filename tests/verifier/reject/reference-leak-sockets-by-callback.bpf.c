// rule: none
// code: reference-leak
// why: each round takes another
#include "prelude.bpf.inc"

static long take(__u32 index, void *context) {
  struct bpf_sock_tuple tuple = {};
  return !bpf_skc_lookup_tcp(*(struct xdp_md **)context, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  struct xdp_md *context = ctx;
  return bpf_loop(6, take, &context, 0) ? XDP_DROP : XDP_PASS;  // <-- refused
}
