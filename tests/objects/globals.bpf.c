// SPDX-License-Identifier: Apache-2.0
/* Variables in every kind of data section, global and static. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

const volatile __u32 limit = 1500;
const volatile __u16 ports[4] = { 80, 443, 8080, 8443 };
volatile __u64 total;
volatile __u32 seen[8];
volatile __s32 level = -7;
volatile __u64 big_initial = 0x1122334455667788ULL;
static volatile __u32 hidden = 5;
static volatile __u32 hidden_zero;
static volatile __u32 other_hidden = 6;
volatile __u32 tuned SEC(".data.tuning") = 42;
const volatile __u32 table[2] SEC(".rodata.table") = { 7, 9 };

SEC("xdp")
int use_globals(struct xdp_md *ctx)
{
	__u32 size = ctx->data_end - ctx->data;
	static volatile __u32 calls;

	calls++;
	hidden_zero += hidden;
	other_hidden++;
	seen[size & 7]++;
	total += size + tuned + table[size & 1] + ports[size & 3];
	if (level < 0)
		big_initial++;
	bpf_printk("size %u\n", size);
	return size > limit ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
