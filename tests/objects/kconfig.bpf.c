// SPDX-License-Identifier: Apache-2.0
/* Variables of every form that a kernel's configuration may supply. */
#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

extern int LINUX_KERNEL_VERSION __kconfig;
extern bool CONFIG_SWITCHED __kconfig;
extern enum libbpf_tristate CONFIG_MODULE __kconfig;
extern char CONFIG_LETTER __kconfig;
extern unsigned int CONFIG_NUMBER __kconfig;
extern long CONFIG_SIGNED __kconfig;
extern char CONFIG_TEXT[8] __kconfig;
extern unsigned short CONFIG_WEAK __kconfig __weak;

SEC("xdp")
int use_kconfig(struct xdp_md *ctx)
{
	if (LINUX_KERNEL_VERSION < 0x060000 || !CONFIG_SWITCHED || CONFIG_MODULE != TRI_MODULE)
		return XDP_ABORTED;
	if (CONFIG_LETTER != 'y' || CONFIG_TEXT[0] != 'a' || CONFIG_WEAK != 0)
		return XDP_PASS;
	return CONFIG_NUMBER + CONFIG_SIGNED;
}
