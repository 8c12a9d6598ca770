// What there is not cannot be released.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  struct bpf_sock_tuple tuple = {.ipv4.dport = bpf_htons(80)};
  struct bpf_sock *sock = bpf_sk_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
  bpf_sk_release(sock);
  return XDP_PASS;
}
