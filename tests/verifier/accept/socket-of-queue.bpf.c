// why: a look-up in an XSKMAP gives a socket, whose queue may be read, also when it was on the stack
#include "prelude.bpf.inc"

struct {
  __uint(type, BPF_MAP_TYPE_XSKMAP);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, __u32);
} sockets SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 queue = ctx->rx_queue_index;
  struct bpf_xdp_sock *volatile socket = bpf_map_lookup_elem(&sockets, &queue);
  struct bpf_xdp_sock *found = socket;
  if (!found) return bpf_redirect_map(&sockets, queue, XDP_PASS);
  return found->queue_id == queue ? bpf_redirect_map(&sockets, queue, 0) : XDP_DROP;
}
