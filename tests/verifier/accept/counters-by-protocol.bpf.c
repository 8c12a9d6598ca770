// why: the IP protocol, a byte, indexes 256 counters without a compare
#include "prelude.bpf.inc"

struct counters {
  __u64 packets[256];
};
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct counters);
} stats SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  struct ethhdr *eth = data;
  struct iphdr *ip = (void *)(eth + 1);
  __u32 zero = 0;
  if ((void *)(ip + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP)) return XDP_PASS;
  struct counters *all = bpf_map_lookup_elem(&stats, &zero);
  if (!all) return XDP_ABORTED;
  all->packets[ip->protocol]++;
  return XDP_PASS;
}
