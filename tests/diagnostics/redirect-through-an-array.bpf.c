// bpf_redirect_map is given an array of numbers.
#include "../verifier/prelude.bpf.inc"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, __u32);
} ports SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  return bpf_redirect_map(&ports, ctx->rx_queue_index & 3, 0);
}
