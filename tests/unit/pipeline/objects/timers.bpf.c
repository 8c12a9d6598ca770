// SPDX-License-Identifier: Apache-2.0
/* Flows that expire 1 s after their last frame, and a tick every 100 ms from the first frame on. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define SECOND 1000000000ULL

struct flow {
	struct bpf_timer timer;
	__u64 frames;
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, struct flow);
} flows SEC(".maps");

/* When each flow expired, and with how many frames. */
struct expiry {
	__u64 when, frames;
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct expiry);
} expired SEC(".maps");

struct clock {
	__u64 ticks, last;
	struct bpf_timer timer;
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct clock);
} clocks SEC(".maps");

static int expire(void *map, __u32 *key, struct flow *flow)
{
	struct expiry expiry = {.when = bpf_ktime_get_ns(), .frames = flow->frames};
	bpf_map_update_elem(&expired, key, &expiry, BPF_ANY);
	bpf_map_delete_elem(map, key);
	return 0;
}

static int tick(void *map, __u32 *key, struct clock *clock)
{
	clock->ticks++;
	clock->last = bpf_ktime_get_ns();
	bpf_timer_start(&clock->timer, SECOND / 10, 0);
	return 0;
}

SEC("xdp")
int track(struct xdp_md *ctx)
{
	unsigned char *data = (void *)(long)ctx->data;
	__u32 key = 0, zero = 0;
	struct clock *clock = bpf_map_lookup_elem(&clocks, &zero);
	struct flow *flow, fresh = {};
	if (data + 6 > (unsigned char *)(long)ctx->data_end || !clock) return XDP_DROP;
	if (bpf_timer_init(&clock->timer, &clocks, 1) == 0) {
		bpf_timer_set_callback(&clock->timer, tick);
		bpf_timer_start(&clock->timer, SECOND / 10, 0);
	}
	key = data[5];
	flow = bpf_map_lookup_elem(&flows, &key);
	if (!flow) {
		if (bpf_map_update_elem(&flows, &key, &fresh, BPF_ANY)) return XDP_DROP;
		flow = bpf_map_lookup_elem(&flows, &key);
		if (!flow) return XDP_DROP;
		bpf_timer_init(&flow->timer, &flows, 1);
		bpf_timer_set_callback(&flow->timer, expire);
	}
	flow->frames++;
	return bpf_timer_start(&flow->timer, SECOND, 0) ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
