// SPDX-License-Identifier: Apache-2.0
/* Programs for chains: each returns the verdict that its byte of the frame says, in the order in which they are written
 * down in `order`. XDP_RUN_CONFIG as libxdp's header has it. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define RUN_CONFIG(name) _##name SEC(".xdp_run_config")

struct {
	__uint(priority, 10);
	__uint(XDP_PASS, 1);
	__uint(XDP_DROP, 1);
} RUN_CONFIG(first);
struct {
	__uint(priority, 20);
	__uint(XDP_PASS, 0);
	__uint(XDP_TX, 1);
} RUN_CONFIG(second);

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u32);
} order SEC(".maps");

__u32 calls = 0;

static __always_inline int verdict(struct xdp_md *ctx, __u32 who)
{
	__u8 *data = (void *)(long)ctx->data;
	if (data + 4 > (__u8 *)(long)ctx->data_end)
		return XDP_ABORTED;
	int result = data[who];
	__u32 at = calls++ & 15;
	bpf_map_update_elem(&order, &at, &who, BPF_ANY);
	return result;
}

SEC("xdp") int first(struct xdp_md *ctx) { return verdict(ctx, 1); }
SEC("xdp") int second(struct xdp_md *ctx) { return verdict(ctx, 2); }
SEC("xdp") int third(struct xdp_md *ctx) { return verdict(ctx, 3); }

char _license[] SEC("license") = "GPL";
