// why: as many rounds as the array has places: each is walked with its own index
#include "prelude.bpf.inc"

struct places {
  __u32 next;
  __u32 value[5];
};

static long put(__u32 index, struct places *places) {
  places->value[places->next & 7] = index;
  places->next++;
  return 0;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  struct places places = {};
  bpf_loop(5, put, &places, 0);
  return places.value[0] > 4 ? XDP_DROP : XDP_PASS;
}
