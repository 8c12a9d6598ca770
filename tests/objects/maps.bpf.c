// SPDX-License-Identifier: Apache-2.0
/* Every way to declare a map, each used once. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct flow {
	__be32 saddr, daddr;
	__be16 sport, dport;
};

struct counter {
	__u64 packets, bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct flow);
	__type(value, struct counter);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct counter));
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 128);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(key_size, 8);
	__type(value, __u32);
} routes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} pinned SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 64);
	__type(key, int);
	__type(value, int);
} ports SEC(".maps");

int next_stage(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 3);
	__uint(key_size, sizeof(__u32));
	__array(values, int(struct xdp_md *));
} stages SEC(".maps") = {
	.values = {
		[1] = (void *)&next_stage,
	},
};

SEC("xdp")
int use_maps(struct xdp_md *ctx)
{
	struct flow flow = { .saddr = 1, .daddr = 2, .sport = 3, .dport = 4 };
	__u32 zero = 0, prefix[2] = { 32, 1 };
	struct counter *counter = bpf_map_lookup_elem(&counters, &zero);
	__u64 *value;

	if (counter)
		counter->packets++;
	if (bpf_map_lookup_elem(&flows, &flow))
		return XDP_DROP;
	if (bpf_map_lookup_elem(&routes, prefix))
		return bpf_redirect_map(&ports, 0, XDP_PASS);
	value = bpf_map_lookup_elem(&pinned, &zero);
	if (value && *value)
		bpf_tail_call(ctx, &stages, 1);
	return XDP_PASS;
}

SEC("xdp")
int next_stage(struct xdp_md *ctx)
{
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
