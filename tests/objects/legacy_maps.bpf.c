// SPDX-License-Identifier: Apache-2.0
/* A map as old samples declare it. */
#include <linux/bpf.h>

#define SEC(name) __attribute__((section(name), used))

struct {
	unsigned int type, key_size, value_size, max_entries, map_flags;
} old_map SEC("maps") = { BPF_MAP_TYPE_ARRAY, 4, 4, 1, 0 };

static void *(*map_lookup_elem)(void *map, const void *key) = (void *)1;

SEC("xdp")
int use_legacy(struct xdp_md *ctx)
{
	int key = 0;

	return map_lookup_elem(&old_map, &key) ? 1 : 2;
}
