// why: one function looks up, another releases, what they hand around is a pointer on the caller's stack
#include "prelude.bpf.inc"

static __noinline struct bpf_sock *find(struct xdp_md *ctx, struct bpf_sock_tuple *tuple) {
  return bpf_sk_lookup_udp(ctx, tuple, sizeof(tuple->ipv6), BPF_F_CURRENT_NETNS, 0);
}

static __noinline int done(struct bpf_sock *volatile *sock) {
  struct bpf_sock *held = *sock;
  int port = held->src_port;
  bpf_sk_release(held);
  return port;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  struct bpf_sock_tuple tuple = {};
  tuple.ipv6.dport = ctx->rx_queue_index;
  struct bpf_sock *found = find(ctx, &tuple);
  if (!found) return XDP_PASS;
  struct bpf_sock *volatile sock = found;
  return done(&sock) == 53 ? XDP_DROP : XDP_PASS;
}
