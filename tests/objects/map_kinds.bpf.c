// SPDX-License-Identifier: Apache-2.0
/* LRU maps, a queue, a stack and maps of maps. A frame's bytes behind the Ethernet header say what to do: [14] with
 * which maps, [15] with which number. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct counts {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
};

struct counts even SEC(".maps");
struct counts odd SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 3);
	__type(key, __u32);
	__array(values, struct counts);
} parity SEC(".maps") = {
	.values = {
		[0] = &even,
		[1] = &odd,
	},
};

/* Others of any size may stand for it. */
struct slots {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_INNER_MAP);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
};

struct slots few SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_INNER_MAP);
	__uint(max_entries, 40);
	__type(key, __u32);
	__type(value, __u64);
} many SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct slots);
} sizes SEC(".maps") = {
	.values = {
		[1] = &few,
		[2] = (void *)&many,
	},
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} recent SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, __u64);
} recent_percpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 3);
	__type(value, __u32);
} queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 3);
	__type(value, __u32);
} stack SEC(".maps");

/* What helpers said. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __s64);
} results SEC(".maps");

static __always_inline void note(__u32 place, __s64 result)
{
	bpf_map_update_elem(&results, &place, &result, BPF_ANY);
}

static __always_inline int count(void *map, const void *key)
{
	__u64 one = 1, *value = bpf_map_lookup_elem(map, key);

	if (!value)
		return bpf_map_update_elem(map, key, &one, BPF_NOEXIST) ? XDP_DROP : XDP_PASS;
	*value += 1;
	return XDP_TX;
}

/* An LRU map has room for every key. */
static __always_inline int see(void *map, const void *key)
{
	__u64 one = 1, *value = bpf_map_lookup_elem(map, key);

	if (!value)
		return bpf_map_update_elem(map, key, &one, BPF_NOEXIST) + XDP_PASS;
	*value += 1;
	return XDP_TX;
}

static __always_inline int use_lru(__u32 number)
{
	__u64 wide = number;
	int verdict = see(&recent, &number);

	note(0, see(&recent_percpu, &wide));
	if (number % 8 == 0)
		note(1, bpf_map_delete_elem(&recent, &number));
	return verdict;
}

static __always_inline int push(__u32 number)
{
	__u64 flags = number % 4;

	note(2, bpf_map_push_elem(&queue, &number, flags));
	note(3, bpf_map_push_elem(&stack, &number, flags));
	return XDP_PASS;
}

static __always_inline int pop(void)
{
	__u32 first = -1, second = -1, third = -1, fourth = -1;

	note(2, bpf_map_peek_elem(&queue, &first));
	note(3, bpf_map_peek_elem(&stack, &second));
	note(4, ((__s64)first << 32) + second);
	note(5, bpf_map_pop_elem(&queue, &third));
	note(6, bpf_map_pop_elem(&stack, &fourth));
	note(7, ((__s64)third << 32) + fourth);
	return XDP_PASS;
}

static __always_inline int use_array_of_maps(__u32 number)
{
	__u32 which = number % 4;
	void *inner = bpf_map_lookup_elem(&parity, &which);

	if (!inner)
		return XDP_ABORTED;
	return count(inner, &number);
}

static __always_inline int use_hash_of_maps(__u32 number)
{
	__u32 which = number % 4, place = number / 4;
	void *inner = bpf_map_lookup_elem(&sizes, &which);
	__u64 *value;

	if (!inner)
		return XDP_ABORTED;
	value = bpf_map_lookup_elem(inner, &place);
	if (!value)
		return XDP_DROP;
	*value += 1;
	return XDP_TX;
}

SEC("xdp")
int use_kinds(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data;

	if (data + 16 > (__u8 *)(long)ctx->data_end)
		return XDP_DROP;
	switch (data[14]) {
	case 0:
		return use_lru(data[15]);
	case 1:
		return push(data[15]);
	case 2:
		return pop();
	case 3:
		return use_array_of_maps(data[15]);
	case 4:
		return use_hash_of_maps(data[15]);
	}
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
