// SPDX-License-Identifier: Apache-2.0
/* Maps as sources older than BTF declare them. WORDS is how many 32-bit words a definition has: 5 is struct
 * bpf_map_def, 7 the one of the kernel's samples, 9 iproute2's struct bpf_elf_map. WRONG makes one that is refused. */
#include <linux/bpf.h>

#define SEC(name) __attribute__((section(name), used))

struct definition {
	unsigned int word[WORDS];
};

#if WORDS == 9
#define NODE 0
#define PIN 2
#else
#define NODE BPF_F_NUMA_NODE
#define PIN 1
#endif

/* Not in the order of the alphabet, so that places come from symbols. */
struct definition second SEC("maps") = { { BPF_MAP_TYPE_HASH, 8, 16, 100, BPF_F_NO_PREALLOC | NODE,
#if WORDS > 6
					   0, PIN,
#endif
} };
struct definition first SEC("maps") = { { BPF_MAP_TYPE_ARRAY, 4, 4, 0, 0 } };

#ifdef WRONG
#if WRONG == 1 /* words that mean nothing */
struct definition wrong SEC("maps") = { { BPF_MAP_TYPE_ARRAY, 4, 4, 1, 0, 0, 0, 0, 0, 7 } };
#elif WRONG == 2 /* another size than its neighbours' */
struct { unsigned int word[WORDS + 1]; } wrong SEC("maps") = { { BPF_MAP_TYPE_ARRAY, 4, 4, 1, 0 } };
#elif WRONG == 3
struct definition wrong SEC("maps") = { { BPF_MAP_TYPE_ARRAY, 4, 4, 1, 0, 0, 3 } };
#endif
#endif

struct ____btf_map_second {
	long long key;
	struct { unsigned int a, b, c, d; } value;
};
struct ____btf_map_second *____btf_map_second_use SEC("____btf_map_second");

static void *(*map_lookup_elem)(void *map, const void *key) = (void *)1;

SEC("xdp")
int use_legacy(struct xdp_md *ctx)
{
	int key = 0;
	long long long_key = 1;

	if (map_lookup_elem(&second, &long_key))
		return 3;
	return map_lookup_elem(&first, &key) ? 1 : 2;
}
