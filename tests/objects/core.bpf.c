// SPDX-License-Identifier: Apache-2.0
/* Every kind of CO-RE relocation. Built with TARGET it is what the others are relocated against: the same names, laid
 * out otherwise. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include <bpf/bpf_core_read.h>

#define KEEP __attribute__((preserve_access_index))

#ifdef TARGET
struct deep { int filler; int x; };
struct frame {
	long long first;
	unsigned short shrunk;
	unsigned long long grown;
	signed char sign;
	int pad[3];
	struct { int filler2; union { int a; short b; }; };
	unsigned int low : 3, flags : 9, high : 4;
	struct deep deep[6];
	struct frame *next;
} KEEP;
enum colour { RED = 5, GREEN = 70000, BLUE = -2 };
typedef long long number;
struct other { int x; };
#else
struct deep { int x; } KEEP;
struct frame {
	unsigned int shrunk;
	unsigned int grown;
	int sign;
	int a;
	unsigned int flags : 5;
	struct deep deep[4];
	struct frame *next;
	int absent;
} KEEP;
struct frame___v2 { int absent_too; struct { short b; }; } KEEP;
enum colour { RED, GREEN, BLUE, PINK };
typedef int number;
struct other { int x; } KEEP;
struct nowhere { int x; } KEEP;
#endif

struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, long long[32]); } box SEC(".maps");

#ifdef TARGET
struct frame *a_frame;
enum colour a_colour;
number a_number;
struct other *an_other;
#else
static __attribute__((always_inline)) void *contents(void)
{
	int key = 0;

	return bpf_map_lookup_elem(&box, &key);
}

SEC("xdp")
int offsets(struct xdp_md *ctx)
{
	struct frame *f = contents();

	if (!f)
		return XDP_ABORTED;
	f->grown = 3;
	return f->shrunk + f->a + f->deep[3].x + ((struct frame___v2 *)f)->b + (f->next != 0);
}

SEC("xdp")
int bits(struct xdp_md *ctx)
{
	struct frame *f = contents();

	if (!f)
		return XDP_ABORTED;
	return BPF_CORE_READ_BITFIELD(f, flags) + bpf_core_field_size(f->grown) + bpf_core_field_size(f->deep) +
	       __builtin_preserve_field_info(f->sign, BPF_FIELD_SIGNED);
}

SEC("xdp")
int existence(struct xdp_md *ctx)
{
	struct frame *f = contents();
	int n = 0;

	if (!f)
		return XDP_ABORTED;
	n += bpf_core_field_exists(f->absent) ? 1 : 0;
	n += bpf_core_field_exists(f->grown) ? 2 : 0;
	n += bpf_core_type_exists(struct nowhere) ? 4 : 0;
	n += bpf_core_type_exists(struct other) ? 8 : 0;
	n += bpf_core_enum_value_exists(enum colour, PINK) ? 16 : 0;
	n += bpf_core_enum_value_exists(enum colour, GREEN) ? 32 : 0;
	n += bpf_core_type_size(struct frame) + bpf_core_type_size(struct nowhere) + bpf_core_type_size(number);
#if __clang_major__ > 15
	n += bpf_core_type_matches(struct other) ? 64 : 0;
	n += bpf_core_type_matches(struct frame) ? 128 : 0;
#endif
	return n;
}

SEC("xdp")
int values(struct xdp_md *ctx)
{
	return bpf_core_enum_value(enum colour, GREEN) + bpf_core_enum_value(enum colour, BLUE) +
	       bpf_core_type_id_local(struct frame) + bpf_core_type_id_kernel(struct frame);
}

/* Not run where the member is not there. */
SEC("xdp")
int guarded(struct xdp_md *ctx)
{
	struct frame *f = contents();

	if (!f)
		return XDP_ABORTED;
	if (bpf_core_field_exists(f->absent))
		return f->absent;
	return XDP_PASS;
}

SEC("xdp")
int unguarded(struct xdp_md *ctx)
{
	struct frame *f = contents();

	if (!f)
		return XDP_ABORTED;
	return f->absent;
}
#endif

char _license[] SEC("license") = "GPL";
