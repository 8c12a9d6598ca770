// An instruction of socket filters loads from the packet.
// patch: line 10: write `!bpf_xdp_load_bytes(ctx, 23, &protocol, 1) && protocol == IPPROTO_ICMP` instead of `load_byte(ctx, 23) == IPPROTO_ICMP`
// patch: before line 10: __u8 protocol;
#include "../verifier/prelude.bpf.inc"

unsigned long long load_byte(void *ctx, unsigned long long offset) asm("llvm.bpf.load.byte");

SEC("xdp")
int program(struct xdp_md *ctx) {
  if (load_byte(ctx, 23) == IPPROTO_ICMP) return XDP_DROP;
  return XDP_PASS;
}
