// SPDX-License-Identifier: Apache-2.0
/* Learning switch: forwards by MAC and VLAN, floods what it does not know. */
#include "parse.h"

struct fdb_key {
	__u8 mac[ETH_ALEN];
	__u16 vlan;
};

struct fdb_value {
	__u32 ifindex;
	__u64 last_seen; /* ns; 0 = static, never relearnt */
};

enum switch_counter {
	SWITCH_FORWARDED,
	SWITCH_FLOODED,
	SWITCH_FILTERED, /* the destination is where it came from */
	SWITCH_MALFORMED,
	SWITCH_LEARNT,
	SWITCH_COUNTERS,
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct fdb_key);
	__type(value, struct fdb_value);
} fdb SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct bpf_devmap_val);
} tx_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SWITCH_COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

/* An entry is refreshed at most this often, so that a busy sender costs reads. */
const volatile __u64 refresh_ns = 1000000000;

static __always_inline void count(enum switch_counter what)
{
	__u32 key = what;
	__u64 *c = bpf_map_lookup_elem(&counters, &key);

	if (c)
		(*c)++;
}

static __always_inline void learn(const struct fdb_key *key, __u32 ifindex)
{
	struct fdb_value *known = bpf_map_lookup_elem(&fdb, key);
	__u64 now = bpf_ktime_get_ns();

	if (known && (known->last_seen == 0 ||
		      (known->ifindex == ifindex && now - known->last_seen < refresh_ns)))
		return;

	struct fdb_value value = {};

	value.ifindex = ifindex;
	value.last_seen = now ? now : 1;
	if (!bpf_map_update_elem(&fdb, key, &value, BPF_ANY) && !known)
		count(SWITCH_LEARNT);
}

SEC("xdp")
int xdp_l2_switch(struct xdp_md *ctx)
{
	void *data_end = (void *)(long)ctx->data_end;
	void *data = (void *)(long)ctx->data;
	struct ethhdr *eth = data;
	struct fdb_key key = {};
	struct fdb_value *where;
	__u32 offset;
	__u16 vlan;

	if (parse_ethernet(data, data_end, &offset, &vlan) < 0) {
		count(SWITCH_MALFORMED);
		return XDP_DROP;
	}
	key.vlan = vlan;
	if (!(eth->h_source[0] & 1)) {
		__builtin_memcpy(key.mac, eth->h_source, ETH_ALEN);
		learn(&key, ctx->ingress_ifindex);
	}

	if (eth->h_dest[0] & 1) {
		count(SWITCH_FLOODED);
		return bpf_redirect_map(&tx_ports, 0, BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS);
	}
	__builtin_memcpy(key.mac, eth->h_dest, ETH_ALEN);
	where = bpf_map_lookup_elem(&fdb, &key);
	if (!where) {
		count(SWITCH_FLOODED);
		return bpf_redirect_map(&tx_ports, 0, BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS);
	}
	if (where->ifindex == ctx->ingress_ifindex) {
		count(SWITCH_FILTERED);
		return XDP_DROP;
	}
	count(SWITCH_FORWARDED);
	return bpf_redirect_map(&tx_ports, where->ifindex, XDP_DROP);
}

/* Attached to devmap entries: a frame never leaves by the port it came from. */
SEC("xdp/devmap")
int xdp_devmap_split_horizon(struct xdp_md *ctx)
{
	return ctx->ingress_ifindex == ctx->egress_ifindex ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "Apache-2.0";
