// Sockets that are closing have no mark, and skc look-ups find those, too.
// patch: line 8: write `bpf_sk_lookup_tcp` instead of `bpf_skc_lookup_tcp`
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  struct bpf_sock_tuple tuple = {.ipv4.dport = bpf_htons(80)};
  struct bpf_sock *sock = bpf_skc_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
  if (!sock) return XDP_DROP;
  __u32 mark = sock->mark;
  bpf_sk_release(sock);
  return mark ? XDP_DROP : XDP_PASS;
}
