/* SPDX-License-Identifier: Apache-2.0 */
/* Walks a frame header by header; every step is bounded by data_end. */
#ifndef PARSE_H
#define PARSE_H

#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define MAX_VLAN_TAGS 2
#define IP_MF 0x2000
#define IP_OFFSET 0x1fff

struct vlan_tag {
	__be16 tci;
	__be16 proto;
};

/* EtherType behind up to two VLAN tags, or -1 when the frame is too short.
 * *offset is set to where the next header starts, *vlan to the outer VLAN id
 * (0 = untagged).
 */
static __always_inline int parse_ethernet(void *data, void *data_end,
					  __u32 *offset, __u16 *vlan)
{
	struct ethhdr *eth = data;
	__be16 proto;
	__u32 at = sizeof(*eth);

	if ((void *)(eth + 1) > data_end)
		return -1;
	proto = eth->h_proto;
	*vlan = 0;

#pragma unroll
	for (int i = 0; i < MAX_VLAN_TAGS; i++) {
		struct vlan_tag *tag = data + at;

		if (proto != bpf_htons(ETH_P_8021Q) &&
		    proto != bpf_htons(ETH_P_8021AD))
			break;
		if ((void *)(tag + 1) > data_end)
			return -1;
		if (i == 0)
			*vlan = bpf_ntohs(tag->tci) & 0x0fff;
		proto = tag->proto;
		at += sizeof(*tag);
	}
	*offset = at;
	return bpf_ntohs(proto);
}

#endif
