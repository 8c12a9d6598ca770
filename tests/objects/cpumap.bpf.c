/* Frames that go to the CPU that the last byte of their destination names and, when the byte before is set, by the port
   with ifindex 3; for the tests of CPUMAP. Each says in its source address where it has been: 02, the CPU that received
   it, the CPU that ran it on, the ifindex it came in by. The first travels as metadata. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, struct bpf_cpumap_val);
} cpus SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} count SEC(".maps");

SEC("xdp")
int to_cpu(struct xdp_md *ctx) {
	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(__u32))) return XDP_ABORTED;
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 *received_by = (void *)(long)ctx->data_meta;
	struct ethhdr *eth = data;
	if ((void *)(received_by + 1) > data || (void *)(eth + 1) > end) return XDP_ABORTED;
	*received_by = bpf_get_smp_processor_id();
	return bpf_redirect_map(&cpus, eth->h_dest[5], XDP_DROP);
}

SEC("xdp/cpumap")
int on_cpu(struct xdp_md *ctx) {
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 *received_by = (void *)(long)ctx->data_meta;
	struct ethhdr *eth = data;
	__u32 zero = 0;
	__u64 *frames = bpf_map_lookup_elem(&count, &zero);
	if ((void *)(received_by + 1) > data || (void *)(eth + 1) > end || !frames) return XDP_ABORTED;
	*frames += 1;
	eth->h_source[0] = 2;
	eth->h_source[1] = *received_by;
	eth->h_source[2] = bpf_get_smp_processor_id();
	eth->h_source[3] = ctx->ingress_ifindex;
	eth->h_source[4] = *frames >> 8; /* of this CPU alone */
	eth->h_source[5] = *frames;
	return eth->h_dest[4] ? bpf_redirect(3, 0) : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
