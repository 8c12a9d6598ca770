// The map is declared write-only for programs.
#include "../verifier/prelude.bpf.inc"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __uint(map_flags, BPF_F_WRONLY_PROG);
  __type(key, __u32);
  __type(value, __u64);
} last SEC(".maps");

__u32 first_key;

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = 0;
  __u64 *value = bpf_map_lookup_elem(&last, &key);
  if (!value) return XDP_PASS;
  if (*value == 1) return XDP_DROP;
  return XDP_PASS;
}
