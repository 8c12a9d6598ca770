// SPDX-License-Identifier: Apache-2.0
/* One helper call a frame: the payload says which and with what, `results` keeps what it returned. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct request {
	unsigned char ethernet[14];
	__u8 what;
	__u8 key;
	__s16 amount;
	__u32 value;
} __attribute__((packed));

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __s64);
} results SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} array SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} percpu_array SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} percpu_hash SEC(".maps");

struct lpm_key {
	__u32 prefixlen;
	__u32 addr;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 4);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct lpm_key);
	__type(value, __u32);
} trie SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} devices SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} stages SEC(".maps");

__u32 turn;

/* Looks up, updates with flags, deletes: for each map the same. */
#define ON_MAP(base, map)                                                                  \
	case base: {                                                                       \
		__u32 *found = bpf_map_lookup_elem(&map, &key);                            \
		result = found ? *found : -1;                                              \
		break;                                                                     \
	}                                                                                  \
	case base + 1: result = bpf_map_update_elem(&map, &key, &value, amount); break;    \
	case base + 2: result = bpf_map_delete_elem(&map, &key); break;

static __always_inline int serve(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	struct request *request = data;
	struct lpm_key lpm = {};
	__s64 result = -1000;
	__u32 key, value, slot, words[8] = {};
	__s16 amount;
	__u8 what;

	if ((void *)(request + 1) > data_end)
		return XDP_ABORTED;
	what = request->what;
	key = request->key;
	amount = request->amount;
	value = request->value;
	switch (what) {
	case 1: result = bpf_xdp_adjust_head(ctx, amount); break;
	case 2: result = bpf_xdp_adjust_tail(ctx, amount); break;
	case 3: result = bpf_xdp_adjust_meta(ctx, amount); break;
	case 4:
		result = bpf_xdp_adjust_meta(ctx, -8);
		result = result * 100 + bpf_xdp_adjust_head(ctx, amount);
		break;
	case 5:
		result = bpf_xdp_load_bytes(ctx, value, words, 8);
		result = result ? result : words[0];
		break;
	case 6: result = bpf_xdp_store_bytes(ctx, value, &value, 4); break;
	case 7: result = bpf_xdp_get_buff_len(ctx); break;
	case 8:
		words[0] = value;
		words[1] = key;
		result = bpf_csum_diff(words, 4, words + 1, 4, amount);
		break;
	case 9:
		words[3] = value;
		words[7] = amount;
		result = bpf_csum_diff(0, 0, words, 32, value);
		break;
	case 10:
		words[0] = value;
		result = bpf_csum_diff(words, 16, 0, 0, amount);
		break;
	case 11: result = bpf_redirect(value, amount); break;
	case 12: result = bpf_redirect_map(&devices, key, amount); break;
	case 13: bpf_tail_call(ctx, &stages, key); result = 77; break;
	case 14: result = bpf_get_smp_processor_id(); break;
	case 15: result = bpf_ktime_get_ns() != 0; break;
	ON_MAP(20, array)
	ON_MAP(30, percpu_array)
	ON_MAP(40, hash)
	ON_MAP(50, percpu_hash)
	case 60: {
		__u32 *found;

		lpm.prefixlen = key;
		lpm.addr = value;
		found = bpf_map_lookup_elem(&trie, &lpm);
		result = found ? *found : -1;
		break;
	}
	case 61:
		lpm.prefixlen = key;
		lpm.addr = value;
		result = bpf_map_update_elem(&trie, &lpm, &value, amount);
		break;
	case 62:
		lpm.prefixlen = key;
		lpm.addr = value;
		result = bpf_map_delete_elem(&trie, &lpm);
		break;
	default: break;
	}
	slot = turn++ & 255;
	bpf_map_update_elem(&results, &slot, &result, BPF_ANY);
	/* What is left of the frame, as the program sees it now. */
	return (ctx->data_end - ctx->data) & 0xffff;
}

SEC("xdp")
int one_helper(struct xdp_md *ctx)
{
	return serve(ctx);
}

SEC("xdp.frags")
int one_helper_frags(struct xdp_md *ctx)
{
	return serve(ctx);
}

SEC("xdp")
int tail_target(struct xdp_md *ctx)
{
	__u32 slot = turn++ & 255;
	__s64 result = 4242;

	bpf_map_update_elem(&results, &slot, &result, BPF_ANY);
	return XDP_TX;
}

/* Calls itself until the limit: `turn` then says how often. */
SEC("xdp")
int tail_loop(struct xdp_md *ctx)
{
	turn++;
	bpf_tail_call(ctx, &stages, 3);
	return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
