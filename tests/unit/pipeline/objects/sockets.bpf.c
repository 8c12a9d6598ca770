// Looks a TCP connection to 192.0.2.1 up, whose port is the queue's number and who is from nobody in particular: the
// frame leaves by the port whose ifindex is the socket's mark.
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int to_mark(struct xdp_md *ctx) {
  struct bpf_sock_tuple tuple = {.ipv4 = {.daddr = bpf_htonl(0xc0000201), .dport = bpf_htons(ctx->rx_queue_index)}};
  struct bpf_sock *sock = bpf_sk_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
  if (!sock) return XDP_DROP;
  __u32 port = sock->state == BPF_TCP_LISTEN ? sock->mark : 0;
  bpf_sk_release(sock);
  return bpf_redirect(port, 0);
}

char _license[] SEC("license") = "GPL";
