// SPDX-License-Identifier: Apache-2.0
/* Maps, maps of maps and prog arrays as sources for iproute2 declare them. WRONG makes one that is refused. */
#include <linux/bpf.h>

#define SEC(name) __attribute__((section(name), used))

struct bpf_elf_map {
	unsigned int type, size_key, size_value, max_elem, flags, id, pinning, inner_id, inner_idx;
};

#define CALLS 2
#define INSIDE 7

struct bpf_elf_map calls SEC("maps") = {
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.size_key = 4,
	.size_value = 4,
	.max_elem = 20,
	.id = CALLS,
};
/* The template, itself put at 3. */
struct bpf_elf_map inside SEC("maps") = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = 4,
	.size_value = 8,
	.max_elem = 4,
	.id = INSIDE,
	.pinning = 2,
	.inner_idx = 3,
};
struct bpf_elf_map outside SEC("maps") = {
	.type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
	.size_key = 4,
	.size_value = 4,
	.max_elem = 5,
#if WRONG == 1
	.inner_id = 99,
#else
	.inner_id = INSIDE,
#endif
};
/* Another of the same kind, at 1; and one that is put nowhere. */
struct bpf_elf_map beside SEC("maps") = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = 4,
	.size_value = 8,
	.max_elem = 4,
	.id = INSIDE,
	.inner_idx = 1,
};
struct bpf_elf_map nowhere SEC("maps") = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = 4,
	.size_value = 8,
	.max_elem = 4,
	.id = INSIDE,
	.inner_idx = -1,
};
struct bpf_elf_map unused_calls SEC("maps") = {
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.size_key = 4,
	.size_value = 4,
	.max_elem = 4,
	.id = 3,
};

static void *(*map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*tail_call)(void *ctx, void *map, unsigned int index) = (void *)12;

SEC("xdp")
int entry(struct xdp_md *ctx)
{
	int key = 3;
	void *inner = map_lookup_elem(&outside, &key);
	int zero = 0;

	if (!inner || !map_lookup_elem(inner, &zero))
		return XDP_ABORTED;
	tail_call(ctx, &calls, 16);
	return XDP_DROP;
}

SEC("2/0x10")
int sixteenth(struct xdp_md *ctx)
{
	tail_call(ctx, &calls, 1);
	return XDP_ABORTED;
}

SEC("2/1")
int first(struct xdp_md *ctx)
{
	return XDP_TX;
}

/* In an array that no XDP program uses: for a program of another kind, it may be. */
SEC("3/0")
int of_others(struct xdp_md *ctx)
{
	return XDP_PASS;
}

/* No array has this id. */
SEC("4/0")
int of_nobody(struct xdp_md *ctx)
{
	return XDP_PASS;
}

#if WRONG == 2
SEC("2/01")
int first_again(struct xdp_md *ctx)
{
	return XDP_PASS;
}
#endif
