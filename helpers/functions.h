#pragma once
// The implementations behind helpers/table.cc, one file a group. r1..r5 as the program left them, checked by the
// verifier against the row's ArgKinds; a kConstMap argument is the address of the vm::Map, a kContext argument that of
// the vm::XdpContext. Semantics: bpf-helpers(7) and the running kernel (6.18). Data path, any worker.
#include <cstdint>

#include "vm/exec_env.h"

namespace sluice::helpers {

using Arg = std::uint64_t;

// map.cc
Arg map_lookup_elem(Arg map, Arg key, Arg, Arg, Arg, vm::ExecEnv& env) noexcept;
Arg map_lookup_percpu_elem(Arg map, Arg key, Arg cpu, Arg, Arg, vm::ExecEnv& env) noexcept;
Arg map_update_elem(Arg map, Arg key, Arg value, Arg flags, Arg, vm::ExecEnv& env) noexcept;
Arg map_delete_elem(Arg map, Arg key, Arg, Arg, Arg, vm::ExecEnv& env) noexcept;
Arg map_push_elem(Arg map, Arg value, Arg flags, Arg, Arg, vm::ExecEnv& env) noexcept;
Arg map_pop_elem(Arg map, Arg value, Arg, Arg, Arg, vm::ExecEnv& env) noexcept;
Arg map_peek_elem(Arg map, Arg value, Arg, Arg, Arg, vm::ExecEnv& env) noexcept;

// lock.cc
Arg spin_lock(Arg lock, Arg, Arg, Arg, Arg, vm::ExecEnv& env) noexcept;
Arg spin_unlock(Arg lock, Arg, Arg, Arg, Arg, vm::ExecEnv& env) noexcept;

// syncookie.cc
Arg tcp_raw_gen_syncookie_ipv4(Arg ip, Arg tcp, Arg length, Arg, Arg, vm::ExecEnv& env) noexcept;
Arg tcp_raw_gen_syncookie_ipv6(Arg ip, Arg tcp, Arg length, Arg, Arg, vm::ExecEnv& env) noexcept;
Arg tcp_raw_check_syncookie_ipv4(Arg ip, Arg tcp, Arg, Arg, Arg, vm::ExecEnv& env) noexcept;
Arg tcp_raw_check_syncookie_ipv6(Arg ip, Arg tcp, Arg, Arg, Arg, vm::ExecEnv& env) noexcept;

// timer.cc
Arg timer_init(Arg timer, Arg map, Arg flags, Arg, Arg, vm::ExecEnv& env) noexcept;
Arg timer_set_callback(Arg timer, Arg function, Arg enter, Arg program, Arg helpers, vm::ExecEnv& env) noexcept;
Arg timer_start(Arg timer, Arg ns, Arg flags, Arg, Arg, vm::ExecEnv& env) noexcept;
Arg timer_cancel(Arg timer, Arg, Arg, Arg, Arg, vm::ExecEnv& env) noexcept;

// ringbuf.cc
Arg ringbuf_output(Arg map, Arg data, Arg bytes, Arg flags, Arg, vm::ExecEnv& env) noexcept;
Arg ringbuf_reserve(Arg map, Arg bytes, Arg flags, Arg, Arg, vm::ExecEnv& env) noexcept;
Arg ringbuf_submit(Arg record, Arg flags, Arg, Arg, Arg, vm::ExecEnv& env) noexcept;
Arg ringbuf_discard(Arg record, Arg flags, Arg, Arg, Arg, vm::ExecEnv& env) noexcept;
Arg ringbuf_query(Arg map, Arg what, Arg, Arg, Arg, vm::ExecEnv& env) noexcept;

// event.cc
Arg perf_event_output(Arg context, Arg map, Arg flags, Arg data, Arg bytes, vm::ExecEnv& env) noexcept;

// environment.cc
Arg ktime_get_ns(Arg, Arg, Arg, Arg, Arg, vm::ExecEnv& env) noexcept;
Arg ktime_get_boot_ns(Arg, Arg, Arg, Arg, Arg, vm::ExecEnv& env) noexcept;
Arg ktime_get_coarse_ns(Arg, Arg, Arg, Arg, Arg, vm::ExecEnv& env) noexcept;
Arg ktime_get_tai_ns(Arg, Arg, Arg, Arg, Arg, vm::ExecEnv& env) noexcept;
Arg jiffies64(Arg, Arg, Arg, Arg, Arg, vm::ExecEnv& env) noexcept;
Arg get_prandom_u32(Arg, Arg, Arg, Arg, Arg, vm::ExecEnv& env) noexcept;
Arg get_smp_processor_id(Arg, Arg, Arg, Arg, Arg, vm::ExecEnv& env) noexcept;
Arg get_numa_node_id(Arg, Arg, Arg, Arg, Arg, vm::ExecEnv& env) noexcept;

// trace.cc
Arg trace_printk(Arg format, Arg size, Arg a, Arg b, Arg c, vm::ExecEnv& env) noexcept;
Arg trace_vprintk(Arg format, Arg size, Arg data, Arg data_size, Arg, vm::ExecEnv& env) noexcept;
Arg snprintf(Arg to, Arg size, Arg format, Arg data, Arg data_size, vm::ExecEnv& env) noexcept;

// memory.cc
Arg probe_read_kernel(Arg to, Arg size, Arg from, Arg, Arg, vm::ExecEnv& env) noexcept;
Arg strncmp(Arg text, Arg size, Arg other, Arg, Arg, vm::ExecEnv& env) noexcept;

// fib.cc
Arg fib_lookup(Arg context, Arg params, Arg size, Arg flags, Arg, vm::ExecEnv& env) noexcept;
Arg check_mtu(Arg context, Arg ifindex, Arg mtu_length, Arg difference, Arg flags, vm::ExecEnv& env) noexcept;

// socket.cc
Arg sk_lookup_tcp(Arg context, Arg tuple, Arg bytes, Arg name_space, Arg flags, vm::ExecEnv& env) noexcept;
Arg sk_lookup_udp(Arg context, Arg tuple, Arg bytes, Arg name_space, Arg flags, vm::ExecEnv& env) noexcept;
Arg skc_lookup_tcp(Arg context, Arg tuple, Arg bytes, Arg name_space, Arg flags, vm::ExecEnv& env) noexcept;
Arg sk_release(Arg socket, Arg, Arg, Arg, Arg, vm::ExecEnv& env) noexcept;
Arg tcp_check_syncookie(Arg socket, Arg ip, Arg ip_bytes, Arg tcp, Arg tcp_bytes, vm::ExecEnv& env) noexcept;
Arg tcp_gen_syncookie(Arg socket, Arg ip, Arg ip_bytes, Arg tcp, Arg tcp_bytes, vm::ExecEnv& env) noexcept;

// redirect.cc
Arg redirect(Arg ifindex, Arg flags, Arg, Arg, Arg, vm::ExecEnv& env) noexcept;
Arg redirect_map(Arg map, Arg key, Arg flags, Arg, Arg, vm::ExecEnv& env) noexcept;

// checksum.cc
Arg csum_diff(Arg from, Arg from_size, Arg to, Arg to_size, Arg seed, vm::ExecEnv& env) noexcept;

// packet.cc
Arg xdp_adjust_head(Arg context, Arg delta, Arg, Arg, Arg, vm::ExecEnv& env) noexcept;
Arg xdp_adjust_meta(Arg context, Arg delta, Arg, Arg, Arg, vm::ExecEnv& env) noexcept;
Arg xdp_adjust_tail(Arg context, Arg delta, Arg, Arg, Arg, vm::ExecEnv& env) noexcept;
Arg xdp_get_buff_len(Arg context, Arg, Arg, Arg, Arg, vm::ExecEnv& env) noexcept;
Arg xdp_load_bytes(Arg context, Arg offset, Arg to, Arg bytes, Arg, vm::ExecEnv& env) noexcept;
Arg xdp_store_bytes(Arg context, Arg offset, Arg from, Arg bytes, Arg, vm::ExecEnv& env) noexcept;

// r0 for a kernel error number: sign-extended.
constexpr Arg failed(int error) noexcept { return static_cast<Arg>(static_cast<std::int64_t>(error)); }

}  // namespace sluice::helpers
