// Copies a whole IPv6 address though the check covers the Ethernet header.
#include "../verifier/prelude.bpf.inc"

struct address {
  __u64 high, low;
};
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 64);
  __type(key, struct address);
  __type(value, __u64);
} blocked SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  if (data + sizeof(struct ethhdr) > data_end) return XDP_PASS;
  struct ipv6hdr *ip6 = data + sizeof(struct ethhdr);
  struct address key;
  __builtin_memcpy(&key, &ip6->saddr, sizeof(key));
  return bpf_map_lookup_elem(&blocked, &key) ? XDP_DROP : XDP_PASS;
}
