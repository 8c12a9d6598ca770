// The state is read when the socket is gone.
// patch: line 11: write `int listens = sock->state == BPF_TCP_LISTEN; bpf_sk_release(sock);` instead of `bpf_sk_release(sock);`
// patch: line 12: write `listens` instead of `sock->state == BPF_TCP_LISTEN`
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  struct bpf_sock_tuple tuple = {.ipv4.dport = bpf_htons(80)};
  struct bpf_sock *sock = bpf_sk_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
  if (!sock) return XDP_DROP;
  bpf_sk_release(sock);
  return sock->state == BPF_TCP_LISTEN ? XDP_PASS : XDP_DROP;
}
