// A byte of the packet indexes an array of 64 in a map value.
#include "../verifier/prelude.bpf.inc"

struct histogram {
  __u32 ttl[64];
};
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct histogram);
} histograms SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  struct iphdr *ip = data + sizeof(struct ethhdr);
  if ((void *)(ip + 1) > data_end) return XDP_PASS;
  __u32 key = 0;
  struct histogram *h = bpf_map_lookup_elem(&histograms, &key);
  if (!h) return XDP_PASS;
  __u32 index = ip->ttl;
  h->ttl[index] += 1;
  return XDP_PASS;
}
