// rule: reference-left
// code: reference-leak
// why: a return was forgotten
#include "prelude.bpf.inc"

static __always_inline struct bpf_sock *find(struct xdp_md *ctx) {
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
  struct bpf_sock *sock = find(ctx);
  if (!sock) return XDP_DROP;
  if (sock->state != BPF_TCP_LISTEN) return XDP_PASS;
  bpf_sk_release(sock);
  return XDP_PASS;
}  // <-- refused
