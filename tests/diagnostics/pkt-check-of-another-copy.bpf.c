// Two variables with equal values are added: the check is of one sum, the read of the other.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  struct iphdr *ip = data + sizeof(struct ethhdr);
  if ((void *)(ip + 1) > data_end) return XDP_PASS;
  __u32 size = (*(volatile __u8 *)ip & 15) * 4;
  __u8 *checked = (void *)ip + size;
  if ((void *)(checked + 4) > data_end) return XDP_PASS;
  __u32 again = (*(volatile __u8 *)ip & 15) * 4;
  __u8 *port = (void *)ip + again;
  if (port[3] == 53) return XDP_DROP;
  return XDP_PASS;
}
