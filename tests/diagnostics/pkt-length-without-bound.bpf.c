// The offset comes from a 16-bit field: up to 65,535, which no compare with data_end can prove.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  struct iphdr *ip = data + sizeof(struct ethhdr);
  if ((void *)(ip + 1) > data_end) return XDP_PASS;
  __u16 length = bpf_ntohs(ip->tot_len);
  __u8 *last = (void *)ip + length;
  if ((void *)(last + 1) > data_end) return XDP_PASS;
  if (*last == 0) return XDP_DROP;
  return XDP_PASS;
}
