// The rounds of a loop count how far an array is written, and nothing bounds the count.
#include "../verifier/prelude.bpf.inc"

struct place {
  __u32 next;
};

__u32 values[8];

// Puts the index behind those already there.
static long put(__u32 index, struct place *place) {
  values[place->next] = index;
  place->next++;
  return 0;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  struct place place = {};
  bpf_loop(ctx->rx_queue_index, put, &place, 0);
  return XDP_PASS;
}
