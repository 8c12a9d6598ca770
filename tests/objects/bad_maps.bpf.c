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
#elif WRONG == 9
struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__array(values, struct inner);
} wrong SEC(".maps");
#elif WRONG == 10
struct innermost {
	__uint(type, BPF_MAP_TYPE_ARRAY);
};
struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__array(values, struct innermost);
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__array(values, struct inner);
} wrong SEC(".maps");
#elif WRONG == 11
struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
};
__u64 data = 5;
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct inner);
} wrong SEC(".maps") = {
	.values = {
		[1] = (void *)&data,
	},
};
#elif WRONG == 12
struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} other SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct inner);
} wrong SEC(".maps") = {
	.values = {
		[1] = (void *)&other,
	},
};
#endif

SEC("xdp")
int use_wrong(struct xdp_md *ctx)
{
	return XDP_PASS;
}
