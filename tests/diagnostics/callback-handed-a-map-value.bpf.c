// The body of a loop is handed the value itself instead of a variable that points to it.
// patch: line 23: write `&counter` instead of `counter`
// patch: line 12: write `__u64 **counter` instead of `__u64 *counter`
// patch: line 13: write `**counter` instead of `*counter`
#include "../verifier/prelude.bpf.inc"
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u64);
} counters SEC(".maps");
static long count(__u32 index, __u64 *counter) {
  *counter += index;
  return 0;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = 0;
  __u64 *counter = bpf_map_lookup_elem(&counters, &key);
  if (!counter) return XDP_PASS;
  // The sum of all indices.
  bpf_loop(4, count, counter, 0);
  return XDP_PASS;
}
