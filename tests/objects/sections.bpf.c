// SPDX-License-Identifier: Apache-2.0
/* Program sections of many types; Sluice takes the XDP ones. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("xdp")
int plain(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp.frags")
int frags(struct xdp_md *ctx)
{
	return XDP_DROP;
}

SEC("xdp/devmap")
int on_devmap(struct xdp_md *ctx)
{
	return ctx->egress_ifindex ? XDP_PASS : XDP_DROP;
}

SEC("xdp.frags/cpumap")
int on_cpumap(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("?xdp")
int optional(struct xdp_md *ctx)
{
	return XDP_TX;
}

SEC("tc")
int classifier(struct __sk_buff *skb)
{
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_openat")
int trace(void *ctx)
{
	return 0;
}
