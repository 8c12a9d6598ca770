// The map's value has 16 bytes, the variable 4.
// patch: line 18: write `struct flow one = {1, 0};` instead of `__u32 one = 1;`
#include "../verifier/prelude.bpf.inc"

struct flow {
  __u64 frames, bytes;
};
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, struct flow);
} flows SEC(".maps");
__u32 queue;

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 one = 1;
  bpf_map_update_elem(&flows, &queue, &one, BPF_ANY);
  return XDP_PASS;
}
