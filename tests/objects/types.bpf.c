// SPDX-License-Identifier: Apache-2.0
/* BTF of many kinds, for the reader of types. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

enum color { RED, GREEN = 5, BLUE = 0xffffffff };
enum temperature { COLD = -40, HOT = 40 };
enum huge { SMALL = 1, HUGE_ONE = 0x100000000ULL };

struct outside;

typedef __be32 address;

struct kinds {
	__u8 bytes[6];
	_Bool flag;
	signed char small;
	enum color color;
	enum temperature temperature;
	enum huge huge;
	union {
		address v4;
		__be32 v6[4];
	};
	__u32 low : 3, high : 29;
	struct kinds *next;
	struct outside *other;
	int (*call)(const struct kinds *self, int n);
	const volatile long constant;
	double real;
};

struct kinds kinds_value;
volatile const address gateway = 0x0100000a;

SEC("xdp")
int use_types(struct xdp_md *ctx)
{
	return kinds_value.flag ? XDP_DROP : XDP_PASS;
}
