// SPDX-License-Identifier: Apache-2.0
/* Look-ups by the thousand, for bench/maps. Each program goes on in the list of keys where its last run stopped and
 * returns the sum over what it found: of ones (_hit), of values (_value), or of nothing but the keys (_none). */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define KEYS (1 << 20)
#define LOOKUPS 1024

struct keys {
	__u32 at;   /* where the next run starts */
	__u32 mask; /* the list is its first mask + 1 keys */
	__u32 zero;
	__u32 unused;
	__u8 bytes[KEYS * 16];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct keys);
} keys SEC(".maps");

struct lpm4_key {
	__u32 bits;
	__u32 address;
};
struct lpm6_key {
	__u32 bits;
	__u32 address[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, __u64);
} hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct lpm4_key);
	__type(value, __u64);
} lpm4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct lpm6_key);
	__type(value, __u64);
} lpm6 SEC(".maps");

/* The compiler must have the key in memory, look-up or not. */
#define IN_MEMORY(key) asm volatile("" : : "r"(&(key)) : "memory")

#define NO_LOOKUP(map) sum += *(__u32 *)((void *)&key + sizeof(key) - 4)
#define COUNT_HIT(map)                                    \
	do {                                              \
		if (bpf_map_lookup_elem(&(map), &key))    \
			++sum;                            \
	} while (0)
#define ADD_VALUE(map)                                              \
	do {                                                        \
		__u64 *value = bpf_map_lookup_elem(&(map), &key);   \
		if (value)                                          \
			sum += *value;                              \
	} while (0)

static __always_inline void hash_key(__u64 *key, const void *from) { *key = *(const __u64 *)from; }
static __always_inline void lpm4_key(struct lpm4_key *key, const void *from)
{
	key->bits = 32;
	key->address = *(const __u32 *)from;
}
static __always_inline void lpm6_key(struct lpm6_key *key, const void *from)
{
	key->bits = 128;
	for (int i = 0; i < 4; ++i)
		key->address[i] = ((const __u32 *)from)[i];
}

#define PROGRAM(name, map, step, key_type, make_key, work)                                         \
	SEC("xdp") int name(struct xdp_md *ctx)                                                    \
	{                                                                                          \
		__u32 first = 0;                                                                   \
		struct keys *list = bpf_map_lookup_elem(&keys, &first);                            \
		if (!list)                                                                         \
			return 0;                                                                  \
		__u32 at = list->at, mask = list->mask, sum = list->zero;                          \
		for (__u32 i = 0; i < LOOKUPS; ++i) {                                              \
			const void *from = &list->bytes[((at + i) & mask & (KEYS - 1)) * (step)];  \
			key_type key;                                                              \
			make_key(&key, from);                                                                \
			IN_MEMORY(key);                                                            \
			work(map);                                                                 \
		}                                                                                  \
		list->at = at + LOOKUPS;                                                           \
		return sum;                                                                        \
	}

#define PROGRAMS(map, step, key_type, make_key)                    \
	PROGRAM(map##_none, map, step, key_type, make_key, NO_LOOKUP)  \
	PROGRAM(map##_hit, map, step, key_type, make_key, COUNT_HIT)   \
	PROGRAM(map##_value, map, step, key_type, make_key, ADD_VALUE)

PROGRAMS(hash, 8, __u64, hash_key)
PROGRAMS(lpm4, 4, struct lpm4_key, lpm4_key)
PROGRAMS(lpm6, 16, struct lpm6_key, lpm6_key)

char LICENSE[] SEC("license") = "Apache-2.0";
