// rule: packet-bounds
// code: pkt-bounds
// message: by the helper
// why: the helper would read a key from bytes that may be missing
#include "prelude.bpf.inc"

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16);
  __type(key, __u32);
  __type(value, __u64);
} seen SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  __u64 *count = bpf_map_lookup_elem(&seen, data + 26);  // <-- refused
  if (count) return XDP_DROP;
  return XDP_PASS;
}
