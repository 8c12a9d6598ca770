// SPDX-License-Identifier: Apache-2.0
/* Every ALU operation and atomic on numbers out of the frame; a digest of the results is returned and stored. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct operands {
	unsigned char ethernet[14];
	__u64 a, b;
} __attribute__((packed));

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} results SEC(".maps");

static __always_inline void keep(__u32 slot, __u64 value)
{
	__u64 *place = bpf_map_lookup_elem(&results, &slot);

	if (place)
		*place = *place * 31 + value;
}

static __noinline __u64 by_width(__u64 a, __u64 b)
{
	__u32 x = a, y = b;

	return (x + y) ^ (__u64)(x - y) * 3 ^ (__u64)(x * y) << 7 ^ (y ? x / y : 1) ^ (y ? x % y : 2) ^ (x << (y & 31)) ^
	       (x >> (y & 31)) ^ ((__s32)x >> (y & 31));
}

SEC("xdp")
int calculate(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	struct operands *in = data;
	volatile __u64 memory;
	__u64 a, b;

	if ((void *)(in + 1) > data_end)
		return XDP_PASS;
	a = in->a;
	b = in->b;
	keep(0, a + b);
	keep(1, a - b);
	keep(2, a * b);
	keep(3, b ? a / b : a);
	keep(4, b ? a % b : b);
	keep(5, a << (b & 63));
	keep(6, a >> (b & 63));
	keep(7, (__s64)a >> (b & 63));
	keep(8, -a ^ ~b);
	keep(9, (a & b) | (a ^ 0x5555));
	keep(10, by_width(a, b));
	keep(11, __builtin_bswap64(a) + __builtin_bswap32(b) + __builtin_bswap16(a));
	keep(12, (__s64)(__s8)a + (__s64)(__s16)b + (__s64)(__s32)a);
	keep(13, a < b ? 1 : a > b ? 2 : 3);
	keep(14, (__s64)a < (__s64)b ? 1 : (__s32)a <= (__s32)b ? 2 : 3);
	keep(15, (__u32)a < (__u32)b ? 1 : (__u32)a >= 77 ? 2 : 3);
	memory = a;
	__sync_fetch_and_add(&memory, b);
	keep(16, memory);
#if __BPF_CPU_VERSION__ >= 3
	keep(17, __sync_fetch_and_or(&memory, b) ^ __sync_fetch_and_and(&memory, a | 0xff));
	keep(18, __sync_fetch_and_xor(&memory, b) + __sync_val_compare_and_swap(&memory, a, b));
	keep(19, __sync_lock_test_and_set(&memory, a) + memory);
#endif
#if __BPF_CPU_VERSION__ >= 4
	volatile __s8 small = a;
	volatile __s16 medium = b;
	volatile __s32 large = a;

	keep(20, b ? (__s64)a / (__s64)b : 0);
	keep(21, b ? (__s64)a % (__s64)b : 0);
	keep(22, (__s32)b ? (__s32)a / (__s32)b : 0);
	keep(23, (__s32)b ? (__s32)a % (__s32)b : 0);
	keep(24, small + medium + large);
#endif
	in->a = a * b;
	in->b = a ^ b;
	return (a ^ b) & 3;
}

char _license[] SEC("license") = "GPL";
