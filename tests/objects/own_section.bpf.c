// SPDX-License-Identifier: Apache-2.0
/* A static sub-program beside its caller in the program's section, and programs without symbol type. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

static __attribute__((noinline, section("xdp"))) int beside(int x)
{
	volatile int y = x;

	return y & 3;
}

SEC("xdp")
int caller(struct xdp_md *ctx)
{
	return beside(ctx->data_end - ctx->data);
}

asm(".section \"xdp_asm\",\"ax\",@progbits\n"
    ".globl untyped\n"
    "untyped:\n"
    "  r0 = 2\n"
    "  if r1 == 0 goto label\n"
    "  exit\n"
    "label:\n"
    "  r0 = 1\n"
    "  exit\n"
    ".globl untyped_next\n"
    "untyped_next:\n"
    "  r0 = 3\n"
    "  exit\n"
    ".text\n");
