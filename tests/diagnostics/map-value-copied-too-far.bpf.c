// 24 bytes are copied into a value of 16.
#include "../verifier/prelude.bpf.inc"

struct flow {
  __u8 bytes[16];
};
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct flow);
} flows SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  if (data + 24 > data_end) return XDP_PASS;
  __u32 key = 0;
  struct flow *flow = bpf_map_lookup_elem(&flows, &key);
  if (!flow) return XDP_PASS;
  __builtin_memcpy(flow, data, 24);
  return XDP_PASS;
}
