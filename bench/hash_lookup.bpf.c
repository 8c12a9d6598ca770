// SPDX-License-Identifier: Apache-2.0
/* Looks the destination MAC and VLAN up, as a switch does. */
#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_helpers.h>

struct key {
	__u8 mac[ETH_ALEN];
	__u16 vlan;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct key);
	__type(value, __u64);
} fdb SEC(".maps");

SEC("xdp")
int hash_lookup(struct xdp_md *ctx)
{
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct key key = {};
	__u64 *port;

	if ((void *)(eth + 1) > data_end)
		return XDP_DROP;
	__builtin_memcpy(key.mac, eth->h_dest, ETH_ALEN);
	port = bpf_map_lookup_elem(&fdb, &key);
	return port ? *port : XDP_PASS;
}

char LICENSE[] SEC("license") = "Apache-2.0";
