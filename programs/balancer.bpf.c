// SPDX-License-Identifier: Apache-2.0
/* L4 balancer: virtual address -> backend by a consistent ring, remembered per
 * flow; the frame is sent to the backend inside IP-in-IP (RFC 2003).
 */
#include "parse.h"

#define RING_SIZE 1024 /* slots a service has in the ring, a power of two */
#define MAX_SERVICES 64
#define MAX_BACKENDS 256

struct service_key {
	__be32 addr;
	__be16 port;
	__u16 protocol;
};

struct service {
	__u32 index; /* its part of the ring */
};

struct backend {
	__be32 addr;
	__u8 mac[ETH_ALEN];
	__u16 up;
};

struct flow {
	__be32 saddr;
	__be32 daddr;
	__be16 sport;
	__be16 dport;
	__u32 protocol;
};

enum balancer_counter {
	LB_SENT,
	LB_NEW_FLOW,
	LB_NOT_OURS,
	LB_NO_BACKEND,
	LB_TOO_BIG,
	LB_TTL,
	LB_COUNTERS,
};

struct counter {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_SERVICES);
	__type(key, struct service_key);
	__type(value, struct service);
} services SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_SERVICES * RING_SIZE);
	__type(key, __u32);
	__type(value, __u32);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_BACKENDS);
	__type(key, __u32);
	__type(value, struct backend);
} backends SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct flow);
	__type(value, __u32);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, MAX_SERVICES);
	__type(key, struct service_key);
	__type(value, struct counter);
} service_traffic SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LB_COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

const volatile __be32 own_addr = 0;         /* outer source address */
const volatile __u8 own_mac[ETH_ALEN] = {0}; /* outer source MAC */
const volatile __u32 backend_mtu = 1500;
const volatile __u32 hash_seed = 0x9e3779b9;

static __always_inline void count(enum balancer_counter what)
{
	__u32 key = what;
	__u64 *c = bpf_map_lookup_elem(&counters, &key);

	if (c)
		(*c)++;
}

/* Thomas Wang's 32-bit mix, folded over the words of the flow. */
static __always_inline __u32 mix(__u32 h, __u32 word)
{
	h ^= word;
	h = (h ^ 61) ^ (h >> 16);
	h += h << 3;
	h ^= h >> 4;
	h *= 0x27d4eb2d;
	return h ^ (h >> 15);
}

/* Not inlined on purpose: a sub-program of its own. */
static __noinline __u32 hash_flow(const struct flow *f, __u32 seed)
{
	__u32 h = mix(seed, f->saddr);

	h = mix(h, f->daddr);
	h = mix(h, ((__u32)f->sport << 16) | f->dport);
	return mix(h, f->protocol);
}

static __always_inline struct backend *usable(__u32 index)
{
	struct backend *b = bpf_map_lookup_elem(&backends, &index);

	return b && b->up ? b : NULL;
}

static __always_inline struct backend *choose(const struct flow *f, const struct service *s)
{
	__u32 *remembered = bpf_map_lookup_elem(&flows, f);
	struct backend *b;
	__u32 slot, *index;

	if (remembered) {
		b = usable(*remembered);
		if (b)
			return b;
	}
	slot = s->index * RING_SIZE + (hash_flow(f, hash_seed) & (RING_SIZE - 1));
	index = bpf_map_lookup_elem(&ring, &slot);
	if (!index)
		return NULL;
	b = usable(*index);
	if (!b)
		return NULL;
	count(LB_NEW_FLOW);
	bpf_map_update_elem(&flows, f, index, BPF_ANY);
	return b;
}

static __always_inline __u16 fold(__u64 sum)
{
#pragma unroll
	for (int i = 0; i < 4; i++)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline int encapsulate(struct xdp_md *ctx, const struct backend *b, __u16 inner_len, __u8 tos)
{
	__u8 mac[ETH_ALEN];
	__be32 addr = b->addr;
	void *data, *data_end;
	struct ethhdr *eth;
	struct iphdr *ip;

	__builtin_memcpy(mac, b->mac, ETH_ALEN);
	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(*ip)))
		return XDP_DROP;
	data = (void *)(long)ctx->data;
	data_end = (void *)(long)ctx->data_end;
	eth = data;
	ip = data + sizeof(*eth);
	if ((void *)(ip + 1) > data_end)
		return XDP_DROP;

	__builtin_memcpy(eth->h_dest, mac, ETH_ALEN);
	eth->h_source[0] = own_mac[0];
	eth->h_source[1] = own_mac[1];
	eth->h_source[2] = own_mac[2];
	eth->h_source[3] = own_mac[3];
	eth->h_source[4] = own_mac[4];
	eth->h_source[5] = own_mac[5];
	eth->h_proto = bpf_htons(ETH_P_IP);

	ip->version = 4;
	ip->ihl = 5;
	ip->tos = tos;
	ip->tot_len = bpf_htons(inner_len + sizeof(*ip));
	ip->id = 0;
	ip->frag_off = bpf_htons(0x4000);
	ip->ttl = 64;
	ip->protocol = IPPROTO_IPIP;
	ip->check = 0;
	ip->saddr = own_addr;
	ip->daddr = addr;
	ip->check = fold(bpf_csum_diff(NULL, 0, (__be32 *)ip, sizeof(*ip), 0));
	return XDP_TX;
}

static __always_inline void account(const struct service_key *key, __u64 bytes)
{
	struct counter *c = bpf_map_lookup_elem(&service_traffic, key);

	if (c) {
		c->packets++;
		c->bytes += bytes;
	} else {
		struct counter first = {.packets = 1, .bytes = bytes};

		bpf_map_update_elem(&service_traffic, key, &first, BPF_NOEXIST);
	}
}

SEC("xdp")
int xdp_balancer(struct xdp_md *ctx)
{
	void *data_end = (void *)(long)ctx->data_end;
	void *data = (void *)(long)ctx->data;
	struct iphdr *ip = data + sizeof(struct ethhdr);
	struct ethhdr *eth = data;
	struct service_key key = {};
	struct flow flow = {};
	struct service *service;
	struct backend *backend;
	__u16 inner_len;
	__be16 *ports;
	int verdict;

	if ((void *)(ip + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP) || ip->version != 4 || ip->ihl < 5)
		goto not_ours;
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP)
		goto not_ours;
	if (ip->frag_off & bpf_htons(IP_MF | IP_OFFSET))
		goto not_ours;
	ports = (void *)ip + ip->ihl * 4;
	if ((void *)(ports + 2) > data_end)
		goto not_ours;

	key.addr = ip->daddr;
	key.port = ports[1];
	key.protocol = ip->protocol;
	service = bpf_map_lookup_elem(&services, &key);
	if (!service)
		goto not_ours;
	if (ip->ttl <= 1) {
		count(LB_TTL);
		return XDP_PASS;
	}
	inner_len = bpf_ntohs(ip->tot_len);
	if (inner_len + sizeof(*ip) > backend_mtu) {
		count(LB_TOO_BIG);
		return XDP_DROP;
	}

	flow.saddr = ip->saddr;
	flow.daddr = ip->daddr;
	flow.sport = ports[0];
	flow.dport = ports[1];
	flow.protocol = ip->protocol;
	backend = choose(&flow, service);
	if (!backend) {
		count(LB_NO_BACKEND);
		return XDP_DROP;
	}
	account(&key, data_end - data);
	verdict = encapsulate(ctx, backend, inner_len, ip->tos);
	if (verdict == XDP_TX)
		count(LB_SENT);
	return verdict;

not_ours:
	count(LB_NOT_OURS);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Apache-2.0";
