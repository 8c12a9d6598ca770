// SPDX-License-Identifier: Apache-2.0
/* Accesses to the context and to headers, as programs with a vmlinux.h make them: parts of the types, in another order. */
#define KEEP __attribute__((preserve_access_index))
#define SEC(name) __attribute__((section(name), used))

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;

struct xdp_md { u32 data_end; u32 data; u32 ingress_ifindex; } KEEP;
struct ethhdr { u16 h_proto; u8 h_dest[6]; } KEEP;
struct iphdr { u8 protocol; u8 version : 4; u32 daddr; } KEEP;
struct ipv6hdr { u8 hop_limit; u8 nexthdr; } KEEP;
struct tcphdr { u16 syn : 1; u16 fin : 1; u16 dest; } KEEP;
struct udphdr { u16 check; } KEEP;
enum xdp_action { XDP_PASS, XDP_TX };

SEC("xdp")
int headers(struct xdp_md *ctx)
{
	u8 *end = (u8 *)(long)ctx->data_end;
	u8 *data = (u8 *)(long)ctx->data;
	struct ethhdr *eth = (struct ethhdr *)data;
	struct iphdr *ip = (struct iphdr *)(data + 14);
	struct tcphdr *tcp = (struct tcphdr *)(data + 34);

	if (data + 64 > end)
		return 0;
	if (eth->h_proto == 0xdd86)
		return ((struct ipv6hdr *)ip)->nexthdr == 6 && ((struct ipv6hdr *)ip)->hop_limit;
	if (ip->protocol == 17)
		return ((struct udphdr *)tcp)->check == 0;
	if (tcp->dest == 80 && ip->daddr != ctx->ingress_ifindex)
		return __builtin_preserve_enum_value(*(enum xdp_action *)XDP_TX, 1);
	return __builtin_preserve_enum_value(*(enum xdp_action *)XDP_PASS, 1);
}
