// SPDX-License-Identifier: Apache-2.0
/* A map of maps that leaves it to its loader what the maps inside are like. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} outer SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} table SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx)
{
	__u32 tenant = ctx->ingress_ifindex, queue = ctx->rx_queue_index;
	void *inner = bpf_map_lookup_elem(&outer, &tenant);
	if (!inner)
		return XDP_DROP;
	__u64 *verdict = bpf_map_lookup_elem(inner, &queue);
	return verdict && *verdict == 3 ? XDP_TX : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
