// SPDX-License-Identifier: Apache-2.0
/* Sections whose names say nothing, as iproute2's users and uBPF's write them; and a program that cannot be linked beside
 * one that can. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

extern int CONFIG_HZ __attribute__((section(".kconfig")));

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 16);
	__uint(key_size, 4);
	__uint(value_size, 8 * 16);
} traces SEC(".maps");

SEC("prog")
int plain(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;

	return data + 14 <= (void *)(long)ctx->data_end ? XDP_TX : XDP_DROP;
}

SEC("filter")
int plain_too(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp")
int linkable(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp")
int unlinkable(struct xdp_md *ctx)
{
	return CONFIG_HZ > 100;
}

SEC("kprobe/tcp_v4_connect")
int probe(void *ctx)
{
	return bpf_get_stackid(ctx, &traces, 0);
}

char LICENSE[] SEC("license") = "GPL";
