// Declares `stats` and `acl4` as the edge programs do not, a map without size and globals of several types.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} stats SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u64);
} sized_by_config SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} next SEC(".maps");

enum mode { MODE_OFF, MODE_ON };
const volatile enum mode mode = MODE_OFF;
const volatile __u16 limit = 7;
const volatile char label[4] = "a";

SEC("xdp")
int xdp_stranger(struct xdp_md *ctx)
{
	__u32 key = 0;
	__u32 *value = bpf_map_lookup_elem(&stats, &key);
	__u64 *other = bpf_map_lookup_elem(&sized_by_config, &key);

	if (mode == MODE_ON && value && other && *value > limit)
		return XDP_DROP;
	bpf_tail_call(ctx, &next, 1);
	return label[0] == 'b' ? XDP_TX : XDP_DROP;
}

SEC("xdp")
int xdp_passes(struct xdp_md *ctx)
{
	return ctx->ingress_ifindex == 1 ? XDP_PASS : XDP_DROP;
}

SEC("xdp/devmap")
int xdp_leaving(struct xdp_md *ctx)
{
	return ctx->egress_ifindex == 1 ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "Apache-2.0";
