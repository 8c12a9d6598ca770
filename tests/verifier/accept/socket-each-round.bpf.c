// why: each round releases what it has looked up
#include "prelude.bpf.inc"

static long round(__u32 index, void *context) {
  struct xdp_md *ctx = *(struct xdp_md **)context;
  struct bpf_sock_tuple tuple = {};
  tuple.ipv4.dport = index;
  struct bpf_sock *sock = bpf_skc_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
  if (!sock) return 0;
  long last = sock->state == BPF_TCP_TIME_WAIT;
  bpf_sk_release(sock);
  return last;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  struct xdp_md *context = ctx;
  return bpf_loop(4, round, &context, 0) == 4 ? XDP_PASS : XDP_DROP;
}
