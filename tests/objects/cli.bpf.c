/* Programs for the tests of `sluice prog`. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} answers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u16);
	__type(value, __u16);
} pairs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} next SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct bpf_devmap_val);
} ports SEC(".maps");

/* Counts, and answers what slot 1 of `answers` says. */
SEC("xdp")
int answer(struct xdp_md *ctx)
{
	__u32 zero = 0, one = 1;
	__u16 key = 0x0102, value = 0x0304;
	__u64 *count = bpf_map_lookup_elem(&seen, &zero);
	__u32 *verdict = bpf_map_lookup_elem(&answers, &one);

	if (count)
		*count += 1;
	bpf_map_update_elem(&pairs, &key, &value, BPF_ANY);
	key = 0x0100;
	bpf_map_update_elem(&pairs, &key, &value, BPF_ANY);
	return verdict ? *verdict : XDP_ABORTED;
}

/* Puts the ifindex into four bytes of metadata and drops the first six bytes of the frame. */
SEC("xdp")
int mark(struct xdp_md *ctx)
{
	__u32 *meta;

	if (bpf_xdp_adjust_head(ctx, 6))
		return XDP_ABORTED;
	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*meta)))
		return XDP_ABORTED;
	meta = (void *)(long)ctx->data_meta;
	if ((void *)(meta + 1) > (void *)(long)ctx->data)
		return XDP_ABORTED;
	*meta = ctx->ingress_ifindex;
	return XDP_TX;
}

/* Goes on in slot 1 of `next`. */
SEC("xdp")
int jump(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &next, 1);
	return XDP_PASS;
}

SEC("xdp")
int send(struct xdp_md *ctx)
{
	return bpf_redirect_map(&ports, 2, XDP_DROP);
}

/* Reads the frame without asking for its length. */
SEC("xdp")
int careless(struct xdp_md *ctx)
{
	unsigned char *data = (void *)(long)ctx->data;

	return data[0];
}

SEC("tc")
int other(struct __sk_buff *skb)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
