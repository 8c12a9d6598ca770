// why: a global variable may be a lock
#include "prelude.bpf.inc"

struct bpf_spin_lock lock SEC(".data.locked");
__u64 packets SEC(".data.locked");

SEC("xdp")
int program(struct xdp_md *ctx) {
  bpf_spin_lock(&lock);
  __u64 seen = ++packets;
  bpf_spin_unlock(&lock);
  return seen > 2 ? XDP_DROP : XDP_PASS;
}
