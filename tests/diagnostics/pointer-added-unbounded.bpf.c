// A 64-bit number of the packet is added to a map value's address.
#include "../verifier/prelude.bpf.inc"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u8[256]);
} tables SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  __u64 *offset = data;
  if ((void *)(offset + 1) > data_end) return XDP_PASS;
  __u32 key = 0;
  __u8 *table = bpf_map_lookup_elem(&tables, &key);
  if (!table) return XDP_PASS;
  __u64 index = *offset;
  return table[index] ? XDP_DROP : XDP_PASS;
}
