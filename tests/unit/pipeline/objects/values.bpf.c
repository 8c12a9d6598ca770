// SPDX-License-Identifier: Apache-2.0
/* One variable of every kind of type people write values for. */
#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/in6.h>

#include <bpf/bpf_helpers.h>

enum colour { RED, GREEN = 7, BLUE = -1 };

struct bits {
	__u32 low : 4;
	__u32 flag : 1;
	__s32 minus : 3;
	__u32 rest : 24;
};

struct inner {
	__be16 port;
	__u8 list[3];
};

struct sample {
	__u8 mac[6];
	__be32 addr;
	struct in6_addr addr6;
	enum colour colour;
	struct inner inner;
	struct inner inners[2];
	union {
		__u32 word;
		__u8 bytes[4];
	};
	union {
		__u16 half;
		__u8 one;
	} named;
	char name[8];
};

__u8 v_u8 = 1;
__s8 v_s8 = 1;
__u16 v_u16 = 1;
__s16 v_s16 = 1;
__u32 v_u32 = 1;
__s32 v_s32 = 1;
__u64 v_u64 = 1;
__s64 v_s64 = 1;
__be16 v_be16 = 1;
__be32 v_be32 = 1;
__be64 v_be64 = 1;
bool v_bool = 1;
enum colour v_enum = GREEN;
__u8 v_mac[6] = {1};
__u8 v_quad[4] = {1};
__u8 v_ipv6[16] = {1};
__be32 v_words[4] = {1};
struct in6_addr v_in6 = {.s6_addr = {1}};
__u32 v_list[3] = {1};
char v_text[8] = "x";
struct bits v_bits = {.low = 1};
struct sample v_sample = {.mac = {1}};
void *v_pointer = (void *)1;
double v_double = 1;
const volatile __u16 v_const = 1;

SEC("xdp")
int use(struct xdp_md *ctx)
{
	return v_const;
}

char LICENSE[] SEC("license") = "Apache-2.0";
