// why: walked from every call, the ways through this function would be more than can be explored
#include "prelude.bpf.inc"

struct words {
  __u32 word[10];
};

__attribute__((noinline)) int pattern(struct words *words, __u32 limit) {
  if (!words) return 0;
  __u32 bits = 0;
#pragma clang loop unroll(full)
  for (int i = 0; i < 10; ++i) {
    if (words->word[i] > limit) bits += 1U << i;
    asm volatile("" : "+r"(bits));
  }
  words->word[0] += bits;
  return bits > 700;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  struct words words = {{ctx->rx_queue_index, 1, 2, 3, 4, 5, 6, 7, 8, 9}};
  int total = 0;
#pragma clang loop unroll(full)
  for (int i = 0; i < 12; ++i) {
    total += pattern(&words, i);
    asm volatile("" : "+r"(total));
  }
  return total > 3 ? XDP_DROP : XDP_PASS;
}
