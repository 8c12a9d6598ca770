// SPDX-License-Identifier: Apache-2.0
/* Map definitions that each break one rule; WRONG says which. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#if WRONG == 1
struct {
	__uint(max_entries, 1);
} wrong SEC(".maps");
#elif WRONG == 2
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(colour, 1);
} wrong SEC(".maps");
#elif WRONG == 3
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(key_size, 8);
	__type(key, __u32);
} wrong SEC(".maps");
#elif WRONG == 4
int wrong SEC(".maps");
#elif WRONG == 5
struct {
	int type;
} wrong SEC(".maps");
#elif WRONG == 6
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(value, void);
} wrong SEC(".maps");
#elif WRONG == 7
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(pinning, 9);
} wrong SEC(".maps");
#elif WRONG == 8
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	int key;
} wrong SEC(".maps");
#endif

SEC("xdp")
int use_wrong(struct xdp_md *ctx)
{
	return XDP_PASS;
}
