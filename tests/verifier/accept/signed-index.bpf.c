// why: an int compared from both sides is a good index, even when its sign is extended after the compare
// kernel: refuses, because a shift to the left takes all it knows of a negative number
#include "prelude.bpf.inc"

struct counters {
  __u64 packets[16];
};
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct counters);
} stats SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  signed char *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  __u32 zero = 0;
  if ((void *)(data + 14) > data_end) return XDP_PASS;
  struct counters *all = bpf_map_lookup_elem(&stats, &zero);
  if (!all) return XDP_PASS;
  int index = data[0];
  if (index >= 8 || index < -8) return XDP_DROP;
  all->packets[index + 8]++;
  return XDP_PASS;
}
