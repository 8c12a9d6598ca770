// SPDX-License-Identifier: Apache-2.0
/* Functions whose address is taken: callbacks, which call sub-programs themselves. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct state {
	__u32 sum;
};

static __attribute__((noinline)) int weigh(int index)
{
	volatile int weight = index * 7;

	return weight;
}

static long add_one(__u32 index, struct state *state)
{
	state->sum += weigh(index);
	return 0;
}

static long add_two(__u32 index, struct state *state)
{
	state->sum += 2;
	return index > 3;
}

SEC("xdp")
int loops(struct xdp_md *ctx)
{
	struct state state = {};

	bpf_loop(5, add_two, &state, 0);
	bpf_loop(10, add_one, &state, 0);
	return state.sum > 100 ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
