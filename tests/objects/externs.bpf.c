// SPDX-License-Identifier: Apache-2.0
/* Symbols that only a kernel could supply. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

extern int CONFIG_HZ __attribute__((section(".kconfig")));

SEC("xdp")
int use_extern(struct xdp_md *ctx)
{
	return CONFIG_HZ > 100;
}
