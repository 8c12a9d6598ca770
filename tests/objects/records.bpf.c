/* Records to both kinds of ring, for the tests of readers: of each frame a `struct seen` with the frame behind it goes to
   `events`, and one without goes to `journal`, begun before and submitted after it. Every fourth frame's is discarded. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>

struct seen {
	__u32 ifindex;
	__u16 length;
	__be16 protocol;
	__u8 source[6];
	__u16 number;
};
struct flood {
	__u64 round;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} journal SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} failures SEC(".maps");

const volatile __u32 rounds = 0; /* more records of each frame to both rings */
__u16 frames;

struct seen *in_btf; /* what only local variables have is not there */

static long more(__u32 round, struct xdp_md **ctx) {
	struct flood record = {.round = round};
	bpf_perf_event_output(*ctx, &events, BPF_F_CURRENT_CPU, &record, sizeof(record));
	bpf_ringbuf_output(&journal, &record, sizeof(record), 0);
	return 0;
}

SEC("xdp")
int records(struct xdp_md *ctx) {
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	if ((void *)(eth + 1) > end) return XDP_ABORTED;
	struct seen seen = {.ifindex = ctx->ingress_ifindex, .length = end - data, .protocol = eth->h_proto, .number = ++frames};
	__builtin_memcpy(seen.source, eth->h_source, sizeof(seen.source));

	struct seen *logged = bpf_ringbuf_reserve(&journal, sizeof(*logged), 0);
	__u64 size = seen.length;
	long error = bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU | size << 32, &seen, sizeof(seen));
	__u32 zero = 0;
	__u64 *failed = bpf_map_lookup_elem(&failures, &zero);
	if (error && failed) *failed += 1;
	if (logged) {
		*logged = seen;
		if (seen.number % 4) bpf_ringbuf_submit(logged, 0);
		else bpf_ringbuf_discard(logged, 0);
	}
	if (rounds) bpf_loop(rounds, more, &ctx, 0);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
