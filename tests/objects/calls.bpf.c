// SPDX-License-Identifier: Apache-2.0
/* Sub-programs: static and global, nested, shared by two programs of one section, one called twice. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

static __attribute__((noinline)) int leaf(int x)
{
	volatile int y = x * 3;

	return y + 1;
}

static __attribute__((noinline)) int middle(int x)
{
	volatile int y = leaf(x) ^ 5;

	return y + leaf(x + 1);
}

__attribute__((noinline)) int global_sum(int a, int b)
{
	volatile int sum = a + b;

	return sum + leaf(sum);
}

__attribute__((noinline, visibility("hidden"))) int hidden_one(int a)
{
	volatile int b = a;

	return b + 1;
}

SEC("xdp")
int first(struct xdp_md *ctx)
{
	int size = ctx->data_end - ctx->data;

	return (middle(size) + global_sum(size, 3)) & 1 ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int second(struct xdp_md *ctx)
{
	int size = ctx->data_end - ctx->data;

	return (leaf(size) + hidden_one(size) + global_sum(leaf(size), 4)) & 3;
}

SEC("xdp/inline")
int alone(struct xdp_md *ctx)
{
	return XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
