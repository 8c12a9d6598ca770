// rule: map-bounds
// code: map-bounds
// why: the index comes from the frame and goes up to 255, the value has 16 counters
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
  unsigned char *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  __u32 zero = 0;
  if ((void *)(data + 14) > data_end) return XDP_PASS;
  struct counters *all = bpf_map_lookup_elem(&stats, &zero);
  if (!all) return XDP_PASS;
  __u32 index = data[0];
  all->packets[index]++;  // <-- refused
  return XDP_PASS;
}
