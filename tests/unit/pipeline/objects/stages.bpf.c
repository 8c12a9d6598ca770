// SPDX-License-Identifier: Apache-2.0
/* Small programs for tests of loading and wiring. WHO makes two objects that can share maps. */
#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#ifndef WHO
#define WHO 0
#endif
#ifndef SHARED_ENTRIES
#define SHARED_ENTRIES 4
#endif

enum slot { SLOT_A, SLOT_B, SLOT_C, SLOTS = 4 };

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, enum slot);
	__type(value, __u32);
} jumps SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SHARED_ENTRIES);
	__type(key, __u32);
	__type(value, __u64);
} shared SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, __u64);
} pinned SEC(".maps");

#if WHO == 0
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct bpf_devmap_val);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 2);
	__type(key, __be16);
	__type(value, __u32);
} counts SEC(".maps");
#endif

#if WHO == 2
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
#ifdef UNSIZED_ENTRIES
	__uint(max_entries, UNSIZED_ENTRIES);
#endif
	__type(key, __u32);
	__type(value, __u32);
} unsized SEC(".maps");

/* Of a type that does not exist here, and of use to none of the XDP programs. */
struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 8 * 4);
} traces SEC(".maps");
#endif

#if WHO == 3
struct rates {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
};
struct rates slow SEC(".maps");
struct rates fast SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct rates);
} levels SEC(".maps") = {.values = {[0] = &slow}};
struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 4);
	__type(value, __u32);
} later SEC(".maps");
#endif

const volatile bool pass = true;
const volatile __u32 target = 0;
__u32 seen = 0;

#if WHO == 0
SEC("xdp")
int entry(struct xdp_md *ctx)
{
	__u32 zero = 0;
	__u64 *value = bpf_map_lookup_elem(&shared, &zero);

	if (value)
		(*value)++;
	seen++;
	bpf_tail_call(ctx, &jumps, SLOT_B);
	return XDP_DROP;
}

SEC("xdp")
int any_slot(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &jumps, ctx->rx_queue_index);
	return XDP_DROP;
}

SEC("xdp")
int send(struct xdp_md *ctx)
{
	__u32 key = 1;

	bpf_map_lookup_elem(&counts, &key);
	return bpf_redirect_map(&ports, ctx->rx_queue_index, XDP_DROP);
}

SEC("xdp")
int flood(struct xdp_md *ctx)
{
	return bpf_redirect_map(&ports, 0, BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS);
}

SEC("xdp")
int to_target(struct xdp_md *ctx)
{
	return bpf_redirect(target, 0);
}

SEC("xdp/devmap")
int on_the_way(struct xdp_md *ctx)
{
	return ctx->egress_ifindex == 3 ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int unsafe(struct xdp_md *ctx)
{
	return *(__u8 *)(long)ctx->data;
}
#endif

#if WHO == 2
SEC("xdp")
int uses_unsized(struct xdp_md *ctx)
{
	__u32 key = 1;

	return bpf_map_lookup_elem(&unsized, &key) ? XDP_TX : XDP_DROP;
}

SEC("kprobe/tcp_v4_connect")
int probe(void *ctx)
{
	return bpf_get_stackid(ctx, &traces, 0);
}

SEC("prog")
int untyped(struct xdp_md *ctx)
{
	return XDP_DROP;
}
#endif

SEC("xdp")
int last(struct xdp_md *ctx)
{
	__u32 zero = 0;
	__u64 *value = bpf_map_lookup_elem(&shared, &zero);
	__u64 *other = bpf_map_lookup_elem(&pinned, &zero);

	if (value)
		(*value)++;
	if (other)
		(*other)++;
	if (value && *value == 12345)
		bpf_tail_call(ctx, &jumps, SLOT_C);
	return pass ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "Apache-2.0";
