// rule: arg-lock
// code: arg-type
// why: the value has no lock in it
#include "prelude.bpf.inc"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u64);
} counters SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = 0;
  __u64 *counter = bpf_map_lookup_elem(&counters, &key);
  if (!counter) return XDP_PASS;
  bpf_spin_lock((void *)counter);  // <-- refused
  *counter += 1;
  bpf_spin_unlock((void *)counter);
  return XDP_PASS;
}
