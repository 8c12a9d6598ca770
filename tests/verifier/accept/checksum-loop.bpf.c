// why: the IP checksum over a header whose length the packet gives, in a loop that clang keeps
#include "prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  struct ethhdr *eth = data;
  __u16 *word = (void *)(eth + 1);
  __u32 sum = 0;
  if ((void *)(word + 10) > data_end) return XDP_PASS;
  __u32 words = (*(__u8 *)word & 15) * 2;
#pragma clang loop unroll(disable)
  for (__u32 i = 0; i < 30; ++i) {
    if (i >= words) break;
    if ((void *)(word + 1) > data_end) return XDP_DROP;
    sum += *word++;
  }
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return sum == 0xffff ? XDP_PASS : XDP_DROP;
}
