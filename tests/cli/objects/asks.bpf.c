// Writes into a frame what the switch around it answers: a SYN cookie, whether there is a route.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int cookie(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	struct tcphdr *tcp = (void *)(ip + 1);
	__s64 made;

	if ((void *)(tcp + 1) > end || ip->protocol != IPPROTO_TCP)
		return XDP_DROP;
	made = bpf_tcp_raw_gen_syncookie_ipv4(ip, tcp, sizeof(*tcp));
	if (made < 0)
		return XDP_ABORTED;
	*(__u32 *)eth->h_dest = made;
	return XDP_TX;
}

SEC("xdp")
int route(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data + sizeof(struct ethhdr);
	struct bpf_fib_lookup asked = {.family = 2, .ifindex = ctx->ingress_ifindex};

	if ((void *)(ip + 1) > end)
		return XDP_DROP;
	asked.tot_len = 20;
	asked.ipv4_dst = ip->daddr;
	if (bpf_fib_lookup(ctx, &asked, sizeof(asked), 0) == BPF_FIB_LKUP_RET_SUCCESS)
		__builtin_memcpy(data, asked.dmac, ETH_ALEN);
	return XDP_TX;
}

char LICENSE[] SEC("license") = "GPL";
