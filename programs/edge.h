/* SPDX-License-Identifier: Apache-2.0 */
/* What the three stages of the edge router share. */
#ifndef EDGE_H
#define EDGE_H

#include "parse.h"

enum edge_stage {
	STAGE_FIREWALL,
	STAGE_ROUTER,
	STAGE_COUNT,
	STAGE_MAX = 4,
};

enum drop_reason {
	FORWARDED,
	TO_HOST,
	DROP_MALFORMED,
	DROP_ACL,
	DROP_PORT,
	DROP_SYN_LIMIT,
	DROP_STATE,
	DROP_NO_ROUTE,
	DROP_NO_STAGE,
	REASON_MAX,
};

struct counter {
	__u64 packets;
	__u64 bytes;
};

/* Left in front of the frame by the firewall for the stages behind it. */
struct edge_meta {
	__u16 family;    /* ETH_P_IP or ETH_P_IPV6 */
	__u16 l3_offset; /* of the IP header, from data */
	__u32 out_port;  /* ifindex; set by the router */
	__u32 protocol;  /* IPPROTO_* */
};

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, STAGE_MAX);
	__type(key, enum edge_stage);
	__type(value, __u32);
} stages SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REASON_MAX);
	__type(key, __u32);
	__type(value, struct counter);
} stats SEC(".maps");

static __always_inline void account(struct xdp_md *ctx, enum drop_reason reason)
{
	__u32 key = reason;
	struct counter *c = bpf_map_lookup_elem(&stats, &key);

	if (!c)
		return;
	c->packets++;
	c->bytes += (void *)(long)ctx->data_end - (void *)(long)ctx->data;
}

static __always_inline int drop(struct xdp_md *ctx, enum drop_reason reason)
{
	account(ctx, reason);
	return XDP_DROP;
}

static __always_inline int to_host(struct xdp_md *ctx)
{
	account(ctx, TO_HOST);
	return XDP_PASS;
}

#endif
