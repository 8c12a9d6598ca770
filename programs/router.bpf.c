// SPDX-License-Identifier: Apache-2.0
/* Second stage of the edge router: where to. */
#include "edge.h"

struct route4_key {
	__u32 prefixlen;
	__be32 addr;
};

struct route6_key {
	__u32 prefixlen;
	struct in6_addr addr;
};

struct route4 {
	__be32 nexthop;
	__u8 dmac[ETH_ALEN];
	__u8 smac[ETH_ALEN];
	__u32 port; /* ifindex; 0 = the host itself */
};

struct route6 {
	__u8 dmac[ETH_ALEN];
	__u8 smac[ETH_ALEN];
	__u32 port;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct route4_key);
	__type(value, struct route4);
} routes4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct route6_key);
	__type(value, struct route6);
} routes6 SEC(".maps");

/* One less hop; the checksum follows as in RFC 1624. */
static __always_inline void decrease_ttl(struct iphdr *ip)
{
	__u32 check = ip->check;

	check += bpf_htons(0x0100);
	ip->check = (__u16)(check + (check >= 0xffff));
	ip->ttl--;
}

static __always_inline void set_macs(void *data, const __u8 *dmac, const __u8 *smac)
{
	struct ethhdr *eth = data;

	__builtin_memcpy(eth->h_dest, dmac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, smac, ETH_ALEN);
}

SEC("xdp")
int xdp_router(struct xdp_md *ctx)
{
	void *data_end = (void *)(long)ctx->data_end;
	void *data = (void *)(long)ctx->data;
	struct edge_meta *meta = (void *)(long)ctx->data_meta;
	__u16 offset;

	if ((void *)(meta + 1) > data || data + sizeof(struct ethhdr) > data_end)
		return drop(ctx, DROP_MALFORMED);
	offset = meta->l3_offset;
	if (offset > sizeof(struct ethhdr) + MAX_VLAN_TAGS * sizeof(struct vlan_tag))
		return drop(ctx, DROP_MALFORMED);

	if (meta->family == ETH_P_IP) {
		struct iphdr *ip = data + offset;
		struct route4_key key = {.prefixlen = 32};
		struct route4 *route;

		if ((void *)(ip + 1) > data_end)
			return drop(ctx, DROP_MALFORMED);
		key.addr = ip->daddr;
		route = bpf_map_lookup_elem(&routes4, &key);
		if (!route)
			return drop(ctx, DROP_NO_ROUTE);
		if (!route->port || ip->ttl <= 1)
			return to_host(ctx); /* for us, or the host tells the sender */
		decrease_ttl(ip);
		set_macs(data, route->dmac, route->smac);
		meta->out_port = route->port;
	} else {
		struct ipv6hdr *ip6 = data + offset;
		struct route6_key key = {.prefixlen = 128};
		struct route6 *route;

		if ((void *)(ip6 + 1) > data_end)
			return drop(ctx, DROP_MALFORMED);
		key.addr = ip6->daddr;
		route = bpf_map_lookup_elem(&routes6, &key);
		if (!route)
			return drop(ctx, DROP_NO_ROUTE);
		if (!route->port || ip6->hop_limit <= 1)
			return to_host(ctx);
		ip6->hop_limit--;
		set_macs(data, route->dmac, route->smac);
		meta->out_port = route->port;
	}

	bpf_tail_call(ctx, &stages, STAGE_COUNT);
	return drop(ctx, DROP_NO_STAGE);
}

char LICENSE[] SEC("license") = "Apache-2.0";
