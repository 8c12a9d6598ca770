// SPDX-License-Identifier: Apache-2.0
/* Maps whose values have locks and timers in them, in places where they count and where they do not. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct inner {
	int before;
	struct bpf_spin_lock lock;
};
struct nested {
	long first;
	struct inner inner;
	struct bpf_timer timer;
};
struct twice {
	struct bpf_spin_lock first, second;
};

#define MAP(name, kind, flags, value_type)               \
	struct {                                         \
		__uint(type, BPF_MAP_TYPE_##kind);       \
		__uint(map_flags, flags);                \
		__uint(max_entries, 4);                  \
		__type(key, int);                        \
		__type(value, value_type);               \
	} name SEC(".maps")
MAP(in_hash, HASH, 0, struct nested);
MAP(in_array, ARRAY, 0, struct inner);
MAP(in_lru, LRU_HASH, 0, struct nested);
MAP(in_percpu, PERCPU_ARRAY, 0, struct inner);
MAP(read_only, ARRAY, BPF_F_RDONLY_PROG, struct inner);
MAP(two_locks, HASH, 0, struct twice);

long counter SEC(".data.locked") = 7;
struct bpf_spin_lock lock SEC(".data.locked");

SEC("xdp")
int touch(struct xdp_md *ctx)
{
	bpf_spin_lock(&lock);
	counter++;
	bpf_spin_unlock(&lock);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
