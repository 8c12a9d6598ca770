// An IP address is taken for an address in memory.
// patch: line 11: write `(void *)&ip->saddr` instead of `(void *)(long)ip->saddr`
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  struct iphdr *ip = data + sizeof(struct ethhdr);
  if ((void *)(ip + 1) > data_end) return XDP_PASS;
  __u8 *host = (void *)(long)ip->saddr;
  return *host ? XDP_DROP : XDP_PASS;
}
