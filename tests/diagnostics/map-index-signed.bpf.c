// The index is signed, and only its upper end is checked.
#include "../verifier/prelude.bpf.inc"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u32[64]);
} histograms SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  int *first = data;
  if ((void *)(first + 1) > data_end) return XDP_PASS;
  __u32 key = 0;
  __u32 *slots = bpf_map_lookup_elem(&histograms, &key);
  if (!slots) return XDP_PASS;
  long index = *first;
  if (index >= 64) return XDP_PASS;
  slots[index] += 1;
  return XDP_PASS;
}
