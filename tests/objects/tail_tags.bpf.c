// SPDX-License-Identifier: Apache-2.0
/* Programs that say by a tag in which slot of which prog array they are, as Cilium's do. WRONG makes one that is
 * refused. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, sizeof(__u32));
	__array(values, int());
} calls SEC(".maps");

#define TAIL(map, slot) SEC("xdp/tail") __attribute__((btf_decl_tag("tail:" #map "/" #slot)))

TAIL(calls, 3) static int last(struct xdp_md *ctx)
{
	return XDP_TX;
}

TAIL(calls, 0) int middle(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &calls, 3);
	return XDP_ABORTED;
}

#if WRONG == 1
TAIL(nothing, 0) int wrong(struct xdp_md *ctx) { return XDP_PASS; }
#elif WRONG == 2
TAIL(calls, many) int wrong(struct xdp_md *ctx) { return XDP_PASS; }
#elif WRONG == 3
TAIL(calls, 0) int wrong(struct xdp_md *ctx) { return XDP_PASS; }
#endif

SEC("xdp")
int entry(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &calls, 0);
	return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
