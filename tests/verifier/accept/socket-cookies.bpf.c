// why: a listener judges cookies, a socket of any state may be asked
#include "prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *end = (void *)(long)ctx->data_end;
  struct ethhdr *eth = (void *)(long)ctx->data;
  struct iphdr *ip = (void *)(eth + 1);
  struct tcphdr *tcp = (void *)(ip + 1);
  if ((void *)(tcp + 1) > end) return XDP_PASS;
  struct bpf_sock_tuple tuple = {.ipv4 = {ip->saddr, ip->daddr, tcp->source, tcp->dest}};
  struct bpf_sock *sock = bpf_skc_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
  if (!sock) return XDP_PASS;
  long good = bpf_tcp_check_syncookie(sock, ip, sizeof(*ip), tcp, sizeof(*tcp));
  long cookie = bpf_tcp_gen_syncookie(sock, ip, sizeof(*ip), tcp, sizeof(*tcp));
  bpf_sk_release(sock);
  return good == 0 || cookie > 0 ? XDP_TX : XDP_PASS;
}
