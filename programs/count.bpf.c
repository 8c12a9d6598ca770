// SPDX-License-Identifier: Apache-2.0
/* Last stage of the edge router: count, then send. */
#include "edge.h"

struct traffic_key {
	__u32 port; /* ifindex the frame leaves by */
	__u32 protocol;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct traffic_key);
	__type(value, struct counter);
} traffic SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct counter);
} egress_traffic SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u32);
} tx_ports SEC(".maps");

static __always_inline void count_bytes(struct counter *c, __u64 bytes)
{
	c->packets++;
	c->bytes += bytes;
}

SEC("xdp")
int xdp_count(struct xdp_md *ctx)
{
	void *data_end = (void *)(long)ctx->data_end;
	void *data = (void *)(long)ctx->data;
	struct edge_meta *meta = (void *)(long)ctx->data_meta;
	struct traffic_key key;
	struct counter *c;

	if ((void *)(meta + 1) > data)
		return drop(ctx, DROP_MALFORMED);
	key.port = meta->out_port;
	key.protocol = meta->protocol;
	c = bpf_map_lookup_elem(&traffic, &key);
	if (c) {
		count_bytes(c, data_end - data);
	} else {
		struct counter first = {.packets = 1, .bytes = data_end - data};

		bpf_map_update_elem(&traffic, &key, &first, BPF_ANY);
	}
	account(ctx, FORWARDED);
	return bpf_redirect_map(&tx_ports, key.port, XDP_DROP);
}

SEC("xdp/devmap")
int xdp_count_egress(struct xdp_md *ctx)
{
	__u32 port = ctx->egress_ifindex;
	struct counter *c = bpf_map_lookup_elem(&egress_traffic, &port);

	if (c)
		count_bytes(c, (void *)(long)ctx->data_end - (void *)(long)ctx->data);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Apache-2.0";
