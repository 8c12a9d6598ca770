// The map is declared read-only for programs, and updated by helper.
#include "../verifier/prelude.bpf.inc"

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16);
  __uint(map_flags, BPF_F_RDONLY_PROG);
  __type(key, __u32);
  __type(value, __u64);
} seen SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = ctx->ingress_ifindex;
  __u64 one = 1;
  bpf_map_update_elem(&seen, &key, &one, BPF_ANY);
  return XDP_PASS;
}
