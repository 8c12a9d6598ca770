// Reads a byte of the packet that it never compared with data_end: the verifier must refuse it.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int xdp_unsafe(struct xdp_md *ctx)
{
	unsigned char *data = (void *)(long)ctx->data;

	return data[12] == 8 ? XDP_DROP : XDP_TX;
}

SEC("xdp")
int xdp_endless(struct xdp_md *ctx)
{
	volatile __u32 *field = &ctx->data;

	while (1)
		(void)*field;
}

char LICENSE[] SEC("license") = "Apache-2.0";
