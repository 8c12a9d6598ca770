// SPDX-License-Identifier: Apache-2.0
/* First stage of the edge router: who may come in. */
#include "edge.h"

enum acl_action {
	ACL_ALLOW = 1,
	ACL_DENY,
};

struct acl_key {
	__u32 prefixlen;
	__be32 addr;
};

struct acl_value {
	enum acl_action action;
};

/* IPv4 addresses are kept v4-mapped (::ffff:a.b.c.d). */
struct flow {
	__be32 saddr[4];
	__be32 daddr[4];
	__be16 sport;
	__be16 dport;
	__u32 protocol;
};

struct flow_state {
	__u64 last_seen; /* ns */
	__u64 packets;
};

struct bucket {
	__u64 window; /* start, ns */
	__u64 count;  /* SYNs seen since */
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct acl_key);
	__type(value, struct acl_value);
} acl4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u16);
	__type(value, __u8);
} open_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct flow);
	__type(value, struct flow_state);
} conntrack SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 16384);
	__type(key, __be32);
	__type(value, struct bucket);
} syn_buckets SEC(".maps");

const volatile bool default_deny = true;
const volatile __u32 syn_pps_limit = 10000; /* SYNs of one source in a window */
const volatile __u64 syn_window_ns = 1000000000;
const volatile __u32 inside_ifindex = 0; /* frames from here may open flows */

/* Everything the rules look at, in one place. */
struct packet {
	struct flow flow;
	__u16 family;
	__u16 l3_offset;
	bool fragment; /* not the first: no ports */
	bool syn;
};

static __always_inline int parse_ports(struct packet *p, void *l4, void *data_end)
{
	if (p->flow.protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = l4;

		if ((void *)(tcp + 1) > data_end)
			return -1;
		p->flow.sport = tcp->source;
		p->flow.dport = tcp->dest;
		p->syn = tcp->syn && !tcp->ack;
	} else if (p->flow.protocol == IPPROTO_UDP) {
		struct udphdr *udp = l4;

		if ((void *)(udp + 1) > data_end)
			return -1;
		p->flow.sport = udp->source;
		p->flow.dport = udp->dest;
	}
	return 0;
}

static __always_inline int parse_ipv4(struct packet *p, void *l3, void *data_end)
{
	struct iphdr *ip = l3;

	if ((void *)(ip + 1) > data_end || ip->version != 4 || ip->ihl < 5)
		return -1;
	p->flow.saddr[2] = p->flow.daddr[2] = bpf_htonl(0xffff);
	p->flow.saddr[3] = ip->saddr;
	p->flow.daddr[3] = ip->daddr;
	p->flow.protocol = ip->protocol;
	p->fragment = (ip->frag_off & bpf_htons(IP_OFFSET)) != 0;
	return p->fragment ? 0 : parse_ports(p, l3 + ip->ihl * 4, data_end);
}

static __always_inline int parse_ipv6(struct packet *p, void *l3, void *data_end)
{
	struct ipv6hdr *ip6 = l3;

	if ((void *)(ip6 + 1) > data_end || ip6->version != 6)
		return -1;
	__builtin_memcpy(p->flow.saddr, &ip6->saddr, sizeof(p->flow.saddr));
	__builtin_memcpy(p->flow.daddr, &ip6->daddr, sizeof(p->flow.daddr));
	p->flow.protocol = ip6->nexthdr;
	return parse_ports(p, ip6 + 1, data_end);
}

/* True while `saddr` stays within its SYNs of this window. */
static __always_inline bool syn_allowed(__be32 saddr, __u64 now)
{
	struct bucket *b = bpf_map_lookup_elem(&syn_buckets, &saddr);

	if (!b) {
		struct bucket first = {.window = now, .count = 1};

		bpf_map_update_elem(&syn_buckets, &saddr, &first, BPF_ANY);
		return true;
	}
	if (now - b->window >= syn_window_ns) {
		b->window = now;
		b->count = 0;
	}
	return ++b->count <= syn_pps_limit;
}

static __always_inline void turn_around(const struct flow *f, struct flow *back)
{
	__builtin_memcpy(back->saddr, f->daddr, sizeof(back->saddr));
	__builtin_memcpy(back->daddr, f->saddr, sizeof(back->daddr));
	back->sport = f->dport;
	back->dport = f->sport;
	back->protocol = f->protocol;
}

static __always_inline bool port_is_open(__be16 port)
{
	__u8 *open = bpf_map_lookup_elem(&open_ports, &port);

	return open && *open;
}

/* A flow nobody knows yet: FORWARDED, or why it may not start. */
static __always_inline enum drop_reason admit(struct packet *p, __u32 ifindex, __u64 now)
{
	struct flow_state fresh = {.last_seen = now, .packets = 1};

	if (ifindex != inside_ifindex && default_deny) {
		if (p->flow.protocol == IPPROTO_TCP && !p->syn)
			return DROP_STATE;
		if (!port_is_open(p->flow.dport))
			return DROP_PORT;
	}
	if (p->syn && !syn_allowed(p->flow.saddr[3], now))
		return DROP_SYN_LIMIT;
	bpf_map_update_elem(&conntrack, &p->flow, &fresh, BPF_ANY);
	return FORWARDED;
}

static __always_inline enum drop_reason judge(struct packet *p, __u32 ifindex)
{
	struct flow_state *known;
	struct flow back = {};
	__u64 now;

	if (p->family == ETH_P_IP) {
		struct acl_key key = {.prefixlen = 32, .addr = p->flow.saddr[3]};
		struct acl_value *acl = bpf_map_lookup_elem(&acl4, &key);

		if (acl && acl->action == ACL_DENY)
			return DROP_ACL;
		if (acl && acl->action == ACL_ALLOW)
			return FORWARDED;
	}
	if (p->fragment || (p->flow.protocol != IPPROTO_TCP && p->flow.protocol != IPPROTO_UDP))
		return FORWARDED; /* no ports to judge by */

	now = bpf_ktime_get_ns();
	known = bpf_map_lookup_elem(&conntrack, &p->flow);
	if (!known) {
		turn_around(&p->flow, &back);
		known = bpf_map_lookup_elem(&conntrack, &back);
	}
	if (!known)
		return admit(p, ifindex, now);
	known->last_seen = now;
	__sync_fetch_and_add(&known->packets, 1);
	return FORWARDED;
}

SEC("xdp")
int xdp_firewall(struct xdp_md *ctx)
{
	void *data_end = (void *)(long)ctx->data_end;
	void *data = (void *)(long)ctx->data;
	struct packet p = {};
	enum drop_reason reason;
	struct edge_meta *meta;
	__u32 l3_offset;
	int family, err;
	__u16 vlan;

	family = parse_ethernet(data, data_end, &l3_offset, &vlan);
	if (family < 0)
		return drop(ctx, DROP_MALFORMED);
	p.family = family;
	p.l3_offset = l3_offset;

	if (family == ETH_P_IP)
		err = parse_ipv4(&p, data + l3_offset, data_end);
	else if (family == ETH_P_IPV6)
		err = parse_ipv6(&p, data + l3_offset, data_end);
	else
		return to_host(ctx); /* ARP, LLDP, ...: the host's business */
	if (err)
		return drop(ctx, DROP_MALFORMED);

	reason = judge(&p, ctx->ingress_ifindex);
	if (reason != FORWARDED)
		return drop(ctx, reason);

	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*meta)))
		return drop(ctx, DROP_NO_STAGE);
	data = (void *)(long)ctx->data;
	meta = (void *)(long)ctx->data_meta;
	if ((void *)(meta + 1) > data)
		return drop(ctx, DROP_NO_STAGE);
	meta->family = p.family;
	meta->l3_offset = p.l3_offset;
	meta->out_port = 0;
	meta->protocol = p.flow.protocol;

	bpf_tail_call(ctx, &stages, STAGE_ROUTER);
	return drop(ctx, DROP_NO_STAGE);
}

char LICENSE[] SEC("license") = "Apache-2.0";
