// why: frames for no listener are dropped before the stack sees them
#include "prelude.bpf.inc"

static __always_inline struct bpf_sock *listener(struct xdp_md *ctx) {
  void *end = (void *)(long)ctx->data_end;
  struct ethhdr *eth = (void *)(long)ctx->data;
  struct iphdr *ip = (void *)(eth + 1);
  struct tcphdr *tcp = (void *)(ip + 1);
  if ((void *)(tcp + 1) > end) return 0;
  struct bpf_sock_tuple tuple = {.ipv4 = {ip->saddr, ip->daddr, tcp->source, tcp->dest}};
  return bpf_sk_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  struct bpf_sock *sock = listener(ctx);
  if (!sock) return XDP_DROP;
  int verdict = sock->state == BPF_TCP_LISTEN && sock->mark == 0 ? XDP_PASS : XDP_ABORTED;
  bpf_sk_release(sock);
  return verdict;
}
