// A helper is given packet bytes that nobody checked.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  struct iphdr *ip = data + sizeof(struct ethhdr);
  if (data + sizeof(struct ethhdr) > data_end) return XDP_PASS;
  long sum = bpf_csum_diff(0, 0, (__be32 *)ip, sizeof(*ip), 0);
  return sum == 0xffff ? XDP_PASS : XDP_DROP;
}
