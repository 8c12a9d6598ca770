// SPDX-License-Identifier: Apache-2.0
/* Shares the work of one receive queue among CPUs: who receives only picks a
 * CPU by the addresses, the rest is done there. Both directions of a
 * conversation meet on one CPU.
 */
#include "parse.h"

struct traffic {
	__u64 frames;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct bpf_cpumap_val);
} cpus SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, 64);
	__type(key, __u32); /* ifindex a frame came in by */
	__type(value, __u32);
} across SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32); /* IP protocol, 0 = not IP */
	__type(value, struct traffic);
} traffic SEC(".maps");

const volatile __u32 cpu_count = 1;

static __always_inline __u32 mix(__u32 hash)
{
	hash ^= hash >> 16;
	hash *= 0x85ebca6b;
	hash ^= hash >> 13;
	hash *= 0xc2b2ae35;
	return hash ^ hash >> 16;
}

/* The same for both directions; 0 for what is not IP. */
static __always_inline __u32 conversation(void *data, void *data_end, __u32 *protocol)
{
	__u32 at, sum = 0;
	__u16 vlan;
	int proto = parse_ethernet(data, data_end, &at, &vlan);

	*protocol = 0;
	if (proto == ETH_P_IP) {
		struct iphdr *ip = data + at;

		if ((void *)(ip + 1) > data_end)
			return 0;
		*protocol = ip->protocol;
		return mix(ip->saddr ^ ip->daddr);
	}
	if (proto == ETH_P_IPV6) {
		struct ipv6hdr *ip = data + at;

		if ((void *)(ip + 1) > data_end)
			return 0;
		*protocol = ip->nexthdr;
#pragma unroll
		for (int i = 0; i < 4; i++)
			sum ^= mix(ip->saddr.in6_u.u6_addr32[i] ^
				   ip->daddr.in6_u.u6_addr32[i]) + i;
		return mix(sum);
	}
	return 0;
}

SEC("xdp")
int xdp_pick_cpu(struct xdp_md *ctx)
{
	void *data_end = (void *)(long)ctx->data_end;
	void *data = (void *)(long)ctx->data;
	__u32 protocol;
	__u64 hash = conversation(data, data_end, &protocol);

	return bpf_redirect_map(&cpus, hash * cpu_count >> 32, XDP_PASS);
}

SEC("xdp/cpumap")
int xdp_on_cpu(struct xdp_md *ctx)
{
	void *data_end = (void *)(long)ctx->data_end;
	void *data = (void *)(long)ctx->data;
	struct traffic *count;
	__u32 protocol;

	conversation(data, data_end, &protocol);
	protocol &= 0xff;
	count = bpf_map_lookup_elem(&traffic, &protocol);
	if (count) { /* this CPU's own: no atomic add */
		count->frames++;
		count->bytes += data_end - data;
	}
	return bpf_redirect_map(&across, ctx->ingress_ifindex, XDP_PASS);
}
