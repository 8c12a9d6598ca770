// Every stable code: what it means, the least program that has it, the cure. `sluice explain-error` and docs/errors.md
// print this; a test compiles every example and sees that it earns its code.
#include <algorithm>

#include "verifier/verifier.h"

namespace sluice::verifier {
namespace {

constexpr CodeInfo kCodes[] = {
    {"arg-map-type", "the helper does not work on maps of this type",
     "declare the map with a type that the message lists, or call the helper that belongs to the map",
     R"(struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, __u32);
} stages SEC(".maps");  // BPF_MAP_TYPE_PROG_ARRAY is needed

SEC("xdp")
int program(struct xdp_md *ctx) {
  bpf_tail_call(ctx, &stages, 0);
  return XDP_PASS;
}
)"},
    {"arg-size", "the size given to a helper may be negative, zero or without bound",
     "bound it before the call: if (size < 1 || size > sizeof(buffer)) return XDP_PASS; and use unsigned types",
     R"(SEC("xdp")
int program(struct xdp_md *ctx) {
  char buffer[64] = {};
  __u32 size = bpf_get_prandom_u32();
  bpf_xdp_load_bytes(ctx, 0, buffer, size);
  return buffer[0] ? XDP_DROP : XDP_PASS;
}
)"},
    {"arg-type", "a helper's argument is of another kind than the helper expects",
     "pass what the message asks for: the context, the address of a map, the address of a variable, or a number",
     R"(SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  return bpf_xdp_adjust_head(data, 14) ? XDP_DROP : XDP_PASS;  // ctx is wanted
}
)"},
    {"atomic-target", "an atomic operation on memory that allows none, or misaligned",
     "use atomics only on the stack and on aligned map values; add to packet bytes with +=",
     R"(SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data_end = (void *)(long)ctx->data_end;
  __u32 *word = (void *)(long)ctx->data;
  if ((void *)(word + 1) > data_end) return XDP_DROP;
  __sync_fetch_and_add(word, 1);
  return XDP_TX;
}
)"},
    {"bad-call", "a call leads to no instruction, or what is called back may not be",
     "make functions static that helpers call back, without tail calls; rebuild objects made by hand",
     R"(__attribute__((noinline)) long body(__u32 index, void *context) { return index > 2; }

SEC("xdp")
int program(struct xdp_md *ctx) { return bpf_loop(4, body, 0, 0) ? XDP_DROP : XDP_PASS; }
)"},
    {"bad-insn", "an instruction that eBPF or XDP does not have",
     "rebuild with clang -target bpf -mcpu=v1 to v4; read the packet through ctx->data, not by load_byte",
     R"(unsigned long long load_byte(void *ctx, unsigned long long offset) asm("llvm.bpf.load.byte");

SEC("xdp")
int program(struct xdp_md *ctx) {
  return load_byte(ctx, 23) == 1 ? XDP_DROP : XDP_PASS;
}
)"},
    {"bad-jump", "a jump leaves its function or hits no instruction",
     "rebuild the object; assembler may jump to labels of its own function only", R"(SEC("xdp")
int program(struct xdp_md *ctx) {
  asm volatile("goto +100");
  return XDP_PASS;
}
)"},
    {"bad-map", "the instruction refers to a map, or a place in it, that does not exist",
     "declare the map in section .maps, and stay inside the array", R"(lddw_map r1, 7
mov r0, 2
exit
)"},
    {"bad-shift", "a constant shift is negative or at least as wide as the register",
     "shift by less than 64 (or 32) bits", R"(SEC("xdp")
int program(struct xdp_md *ctx) {
  __u64 hash = ctx->rx_queue_index;
  asm volatile("%0 <<= 64" : "+r"(hash));
  return hash ? XDP_DROP : XDP_PASS;
}
)"},
    {"call-depth", "calls nest deeper than 8 frames", "inline functions: static __always_inline",
     R"(#define CALLS(name, next) \
  static __noinline int name(struct xdp_md *ctx) { volatile int r = next(ctx); return r; }
static __noinline int h(struct xdp_md *ctx) { return ctx->rx_queue_index; }
CALLS(g, h) CALLS(f, g) CALLS(e, f) CALLS(d, e) CALLS(c, d) CALLS(b, c) CALLS(a, b)

SEC("xdp")
int program(struct xdp_md *ctx) { return a(ctx) ? XDP_DROP : XDP_PASS; }
)"},
    {"callback-return",
     "a function that a helper calls back returns something else than 0 or 1, or one that a timer calls than 0",
     "return 0 to go on with the next round, 1 to end the loop; from what a timer calls, return 0",
     R"(static long body(__u32 index, void *context) {
  return index;
}

SEC("xdp")
int program(struct xdp_md *ctx) { return bpf_loop(4, body, 0, 0) ? XDP_DROP : XDP_PASS; }
)"},
    {"ctx-access", "struct xdp_md is used in another way than by 4-byte reads of its fields",
     "read ctx->data and its siblings directly and whole; never store into ctx", R"(SEC("xdp")
int program(struct xdp_md *ctx) {
  ctx->rx_queue_index = 0;
  return XDP_PASS;
}
)"},
    {"div-by-zero", "a constant divisor is 0", "remove the division; division by a variable that is 0 gives 0",
     R"(SEC("xdp")
int program(struct xdp_md *ctx) {
  __u64 share = ctx->rx_queue_index;
  asm volatile("%0 /= 0" : "+r"(share));
  return share ? XDP_DROP : XDP_PASS;
}
)"},
    {"falls-off-end", "a function can run past its last instruction", "end every way through it with return",
     R"(static __noinline int verdict(struct xdp_md *ctx) {
  asm volatile("r0 = 1");
  __builtin_unreachable();
}

SEC("xdp")
int program(struct xdp_md *ctx) { return verdict(ctx); }
)"},
    {"forbidden-helper", "this program type may not call the helper", "attach the program elsewhere or do without",
     R"(# of type memory, as sluice exec runs programs
mov r1, 1
mov r2, 0
call redirect
exit
)"},
    {"frame-pointer", "r10, the frame pointer, is written", "copy r10 to another register first", R"(SEC("xdp")
int program(struct xdp_md *ctx) {
  asm volatile("r10 = 0");
  return XDP_PASS;
}
)"},
    {"infinite-loop", "a loop may run for ever: it comes back with nothing changed",
     "count the rounds: for (int i = 0; i < 64 && MORE; i++)", R"(SEC("xdp")
int program(struct xdp_md *ctx) {
  volatile __u32 queue = ctx->rx_queue_index;
  while (queue != 3) {
  }
  return XDP_PASS;
}
)"},
    {"lock", "a lock in a map's value is not taken and given back as it should be",
     "call bpf_spin_unlock on every path, with the lock that was taken; call helpers before or after, not in between",
     R"(struct counter {
  struct bpf_spin_lock lock;
  __u32 packets;
};
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct counter);
} counters SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = 0;
  struct counter *counter = bpf_map_lookup_elem(&counters, &key);
  if (!counter) return XDP_PASS;
  bpf_spin_lock(&counter->lock);
  if (++counter->packets > 100) return XDP_DROP;  // with the lock held
  bpf_spin_unlock(&counter->lock);
  return XDP_PASS;
}
)"},
    {"map-access", "a map that programs may only read is written, or the other way round",
     "drop BPF_F_RDONLY_PROG or BPF_F_WRONLY_PROG (or const), or the access", R"(const volatile __u32 limit = 10;

SEC("xdp")
int program(struct xdp_md *ctx) {
  *(volatile __u32 *)&limit = ctx->rx_queue_index;
  return XDP_PASS;
}
)"},
    {"map-bounds", "an access outside a map's value or a global variable",
     "compare the index with the array's size before the access: if (index >= 8) return XDP_PASS;",
     R"(__u64 frames[8];

SEC("xdp")
int program(struct xdp_md *ctx) {
  frames[ctx->rx_queue_index] += 1;
  return XDP_PASS;
}
)"},
    {"mem-bounds", "an access outside the memory that a global function, or a program of sluice exec, was given",
     "declare the argument as a pointer to all that is used; of sluice exec: stay below the length in r2",
     R"(struct pair {
  __u32 first, second;
};

__attribute__((noinline)) int last(__u32 *first) {
  return first ? ((struct pair *)first)->second : 0;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  struct pair pair = {1, ctx->rx_queue_index};
  return last(&pair.first);
}
)"},
    {"not-a-pointer", "a number, data_end or another value that is no address is read or written through",
     "keep the pointer itself; never compute an address from numbers of the packet", R"(SEC("xdp")
int program(struct xdp_md *ctx) {
  char *number = (void *)(long)ctx->rx_queue_index;
  return *number ? XDP_DROP : XDP_PASS;
}
)"},
    {"null-deref", "a pointer that may be null is used", "test it first: if (!value) return XDP_PASS;", R"(struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 64);
  __type(key, __u32);
  __type(value, __u64);
} counters SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = ctx->ingress_ifindex;
  __u64 *value = bpf_map_lookup_elem(&counters, &key);
  *value += 1;
  return XDP_PASS;
}
)"},
    {"pkt-bounds", "an access past the packet bytes that were proven",
     "compare with data_end after the pointer is made and before the access: if ((void *)(eth + 1) > data_end) return "
     "XDP_DROP;",
     R"(SEC("xdp")
int program(struct xdp_md *ctx) {
  struct ethhdr *eth = (void *)(long)ctx->data;
  return eth->h_proto ? XDP_DROP : XDP_PASS;
}
)"},
    {"ptr-arithmetic", "arithmetic on a pointer that is not adding or subtracting a bounded number",
     "compute with numbers, bound them, then add to the pointer", R"(SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data_end = (void *)(long)ctx->data_end;
  __u32 *word = (void *)((__u64)ctx->data & ~3ULL);
  if ((void *)(word + 1) > data_end) return XDP_DROP;
  return *word ? XDP_DROP : XDP_PASS;
}
)"},
    {"ptr-leak", "a pointer would be stored where others can read it",
     "store a number instead, e.g. the distance from data; --allow-ptr-leaks permits it", R"(__u64 last;

SEC("xdp")
int program(struct xdp_md *ctx) {
  last = (__u64)ctx;
  return XDP_PASS;
}
)"},
    {"ptr-spill", "a pointer is stored or read in parts, or stored at a variable place of the stack",
     "store and read it whole, in a variable of its own", R"(SEC("xdp")
int program(struct xdp_md *ctx) {
  union {
    void *volatile pointer;
    volatile __u32 half;
  } both;
  both.pointer = (void *)(long)ctx->data;
  return both.half & 1 ? XDP_DROP : XDP_PASS;
}
)"},
    {"recursion", "a function calls itself, directly or through others", "use a loop with a constant bound",
     R"(static __noinline int walk(volatile __u32 *n);
static __noinline int step(volatile __u32 *n) {
  *n -= 1;
  return walk(n) + 1;
}
static __noinline int walk(volatile __u32 *n) { return *n == 0 ? 0 : step(n) * 2; }

SEC("xdp")
int program(struct xdp_md *ctx) {
  volatile __u32 n = ctx->rx_queue_index;
  return walk(&n) > 8 ? XDP_DROP : XDP_PASS;
}
)"},
    {"reference-leak", "a record of a ring buffer or a socket is taken and on some path not given back",
     "call bpf_ringbuf_submit or bpf_ringbuf_discard, or bpf_sk_release, on every path on which it is not null",
     R"(struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096);
} events SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 *length = bpf_ringbuf_reserve(&events, sizeof(*length), 0);
  if (!length) return XDP_PASS;
  *length = ctx->data_end - ctx->data;
  if (*length < 60) return XDP_DROP;  // the record is lost
  bpf_ringbuf_submit(length, 0);
  return XDP_PASS;
}
)"},
    {"return-value", "the program returns a pointer", "return a verdict, e.g. XDP_PASS", R"(SEC("xdp")
long program(struct xdp_md *ctx) {
  return (long)ctx->data;
}
)"},
    {"socket-access", "a socket is written, or read where it has no field or in a width that the field does not allow",
     "read the fields of struct bpf_sock by their names; type, protocol, mark and priority only of what "
     "bpf_sk_lookup_tcp or "
     "_udp gave",
     R"(SEC("xdp")
int program(struct xdp_md *ctx) {
  struct bpf_sock_tuple tuple = {.ipv4.dport = 0x5000};
  struct bpf_sock *sock = bpf_skc_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
  if (!sock) return XDP_PASS;
  __u32 mark = sock->mark;  // bpf_sk_lookup_tcp gives sockets that have one
  bpf_sk_release(sock);
  return mark ? XDP_DROP : XDP_PASS;
}
)"},
    {"stack-align", "a stack access is not aligned to its size", "align the variable, or copy it with memcpy",
     R"(SEC("xdp")
int program(struct xdp_md *ctx) {
  char bytes[8] = {};
  __u32 *word = (void *)bytes + 1;
  asm volatile("" : "+r"(word));
  return *word ? XDP_DROP : XDP_PASS;
}
)"},
    {"stack-bounds", "an access outside the 512 bytes of stack of a function, or past its end",
     "bound the index, pass sizeof(variable) as size; use a per-CPU array map for large buffers", R"(SEC("xdp")
int program(struct xdp_md *ctx) {
  char buffer[32];
  bpf_xdp_load_bytes(ctx, 0, buffer, 64);
  return buffer[0] ? XDP_DROP : XDP_PASS;
}
)"},
    {"stack-depth", "a chain of calls needs more than 512 bytes of stack, or 256 above a tail call",
     "keep large variables in a per-CPU array map", R"(static __noinline int inner(struct xdp_md *ctx) {
  char buffer[300];
  return bpf_xdp_load_bytes(ctx, 0, buffer, sizeof(buffer)) ? 0 : buffer[299];
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  char buffer[300];
  if (bpf_xdp_load_bytes(ctx, 300, buffer, sizeof(buffer))) return XDP_PASS;
  return inner(ctx) + buffer[299] ? XDP_DROP : XDP_PASS;
}
)"},
    {"stack-escape", "the address of a variable would outlive its function",
     "return the value instead, or let the caller pass the address of a variable of its own",
     R"(static __noinline char *name(struct xdp_md *ctx) {
  char bytes[8] = {};
  char *result = bytes;
  asm volatile("" : "+r"(result));
  return result;
}

SEC("xdp")
int program(struct xdp_md *ctx) { return name(ctx)[0] ? XDP_DROP : XDP_PASS; }
)"},
    {"too-complex", "the verifier gave up at its limit of a million instructions, over all paths",
     "make fewer rounds, let each do less, or move parts into global functions", R"(__u64 sum;

SEC("xdp")
int program(struct xdp_md *ctx) {
  for (__u32 i = 0; i < 2000000; i++) {
    sum += i;
    asm volatile("" ::: "memory");
  }
  return XDP_PASS;
}
)"},
    {"uninit-read", "a variable or register is used that nobody set on this path, or that a call made void",
     "give the variable a value on every path; read ctx->data again after a call that moves the packet", R"(SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data_end = (void *)(long)ctx->data_end;
  struct ethhdr *eth = (void *)(long)ctx->data;
  if ((void *)(eth + 1) > data_end) return XDP_DROP;
  if (bpf_xdp_adjust_head(ctx, -20)) return XDP_DROP;
  eth->h_proto = 8;  // eth points to where the frame began before
  return XDP_TX;
}
)"},
    {"unknown-function", "a kernel function (kfunc) is called", "use a helper: docs/helpers.md", R"(call_kfunc 1234
mov r0, 2
exit
)"},
    {"unknown-helper", "the helper does not exist here", "see docs/helpers.md for those that do", R"(SEC("xdp")
int program(struct xdp_md *ctx) {
  char type = 0;
  bpf_skb_load_bytes(ctx, 12, &type, sizeof(type));
  return type ? XDP_DROP : XDP_PASS;
}
)"},
    {"unreachable-code", "no path leads to an instruction", "remove the code, or rebuild with optimisation",
     R"(SEC("xdp")
int program(struct xdp_md *ctx) {
  asm volatile("goto +1; r0 = 0");
  return XDP_PASS;
}
)"},
};
static_assert(std::ranges::is_sorted(kCodes, {}, &CodeInfo::code));

}  // namespace

std::span<const CodeInfo> all_codes() noexcept { return kCodes; }

}  // namespace sluice::verifier
