// rule: none
// code: reference-leak
// why: each round takes another
#include "prelude.bpf.inc"

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096);
} ring SEC(".maps");

static long take(__u32 index, void *context) { return !bpf_ringbuf_reserve(&ring, 8, 0); }

SEC("xdp")
int program(struct xdp_md *ctx) { return bpf_loop(6, take, 0, 0) ? XDP_DROP : XDP_PASS; }  // <-- refused
