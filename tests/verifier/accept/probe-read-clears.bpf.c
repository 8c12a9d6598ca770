// why: all bytes are written, whatever the address
#include "prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u64 words[3];
  long failed = bpf_probe_read_kernel(words, sizeof(words), (void *)0x1000);
  return failed && !words[0] && !words[2] ? XDP_PASS : XDP_DROP;
}
