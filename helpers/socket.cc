// Look-ups of sockets: what the environment's table has. Programs read its rows through the pointer they are given and
// nobody counts references, so giving one back does nothing.
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "helpers/functions.h"
#include "vm/sockets.h"
#include "vm/xdp.h"

namespace sluice::helpers {
namespace {

// struct bpf_sock_tuple: two addresses, two ports, all in network order; its size tells the family.
constexpr std::size_t kTuple4 = 12, kTuple6 = 36;

using Find = const vm::Socket* (vm::Sockets::*)(std::uint32_t, const vm::SocketTuple&, std::uint32_t) const noexcept;

vm::SocketTuple read_tuple(Arg address, std::size_t bytes) noexcept {
  vm::SocketTuple tuple{.family = bytes == kTuple4 ? vm::kInet : vm::kInet6};
  const std::size_t each = bytes == kTuple4 ? 4 : 16;
  const auto* const from = reinterpret_cast<const std::byte*>(address);
  std::memcpy(tuple.source.data(), from, each);
  std::memcpy(tuple.destination.data(), from + each, each);
  std::memcpy(&tuple.source_port, from + 2 * each, 2);
  std::memcpy(&tuple.destination_port, from + 2 * each + 2, 2);
  return tuple;
}

// The only namespace there is is the frame's own, which negative numbers of 32 bits stand for.
Arg look_up(Find find, std::uint32_t protocol, Arg address, Arg bytes, Arg name_space, Arg flags,
            const vm::ExecEnv& env) noexcept {
  const auto size = static_cast<std::uint32_t>(bytes);
  const bool own = static_cast<std::int32_t>(name_space) < 0;
  if (env.sockets == nullptr || (size != kTuple4 && size != kTuple6) || flags != 0 || !own) return 0;
  const std::uint32_t port = env.frame == nullptr ? 0 : env.frame->ingress_ifindex;
  return reinterpret_cast<Arg>((env.sockets->*find)(protocol, read_tuple(address, size), port));
}

// The flags of a TCP header (RFC 9293), byte 13.
constexpr unsigned kFin = 1, kSyn = 2, kRst = 4, kAck = 16;
constexpr std::uint32_t kTcpHeader = 20, kIpv4Header = 20, kIpv6Header = 40;

unsigned byte_at(Arg address, unsigned offset) noexcept {
  return std::to_integer<unsigned>(reinterpret_cast<const std::byte*>(address)[offset]);
}

// The listener's row, or null when it is none.
const vm::SocketRow* listener_at(Arg socket, const vm::ExecEnv& env) noexcept {
  const vm::SocketRow* const row =
      env.sockets == nullptr ? nullptr : env.sockets->row_of(reinterpret_cast<const void*>(socket));
  const bool listens =
      row != nullptr && row->socket.protocol == vm::kTcp && row->socket.state == vm::SocketState::kListen;
  return listens ? row : nullptr;
}

// What is wrong with the IP header for that listener, 0 = nothing.
int judge_ip(const vm::SocketRow& row, Arg header, std::uint32_t bytes) noexcept {
  const bool six = row.socket.family == vm::kInet6;
  switch (byte_at(header, 0) >> 4) {
    case 4: return six && row.ipv6_only ? -EINVAL : 0;
    case 6: return bytes < kIpv6Header || !six ? -EINVAL : 0;
    default: return -EPROTONOSUPPORT;
  }
}

}  // namespace

Arg sk_lookup_tcp(Arg, Arg tuple, Arg bytes, Arg name_space, Arg flags, vm::ExecEnv& env) noexcept {
  return look_up(&vm::Sockets::find_full, vm::kTcp, tuple, bytes, name_space, flags, env);
}

Arg sk_lookup_udp(Arg, Arg tuple, Arg bytes, Arg name_space, Arg flags, vm::ExecEnv& env) noexcept {
  return look_up(&vm::Sockets::find_full, vm::kUdp, tuple, bytes, name_space, flags, env);
}

Arg skc_lookup_tcp(Arg, Arg tuple, Arg bytes, Arg name_space, Arg flags, vm::ExecEnv& env) noexcept {
  return look_up(&vm::Sockets::find, vm::kTcp, tuple, bytes, name_space, flags, env);
}

Arg sk_release(Arg, Arg, Arg, Arg, Arg, vm::ExecEnv& /*env*/) noexcept { return 0; }

Arg tcp_check_syncookie(Arg socket, Arg /*ip*/, Arg ip_bytes, Arg tcp, Arg tcp_bytes, vm::ExecEnv& env) noexcept {
  const vm::SocketRow* const row = listener_at(socket, env);
  if (static_cast<std::uint32_t>(tcp_bytes) < kTcpHeader || row == nullptr) return failed(-EINVAL);
  if ((byte_at(tcp, 13) & (kAck | kRst | kSyn)) != kAck) return failed(-ENOENT);
  // No listener here has had too many requests of late, so none has sent a cookie.
  return failed(static_cast<std::uint32_t>(ip_bytes) < kIpv4Header ? -EINVAL : -ENOENT);
}

Arg tcp_gen_syncookie(Arg socket, Arg ip, Arg ip_bytes, Arg tcp, Arg tcp_bytes, vm::ExecEnv& env) noexcept {
  const vm::SocketRow* const row = listener_at(socket, env);
  const auto size = static_cast<std::uint32_t>(tcp_bytes);
  if (size < kTcpHeader || size != byte_at(tcp, 12) >> 4 << 2 || row == nullptr) return failed(-EINVAL);
  if ((byte_at(tcp, 13) & (kSyn | kAck | kFin | kRst)) != kSyn) return failed(-EINVAL);
  const auto ip_size = static_cast<std::uint32_t>(ip_bytes);
  if (ip_size < kIpv4Header) return failed(-EINVAL);
  const int wrong = judge_ip(*row, ip, ip_size);
  // Nor does one send a cookie now.
  return failed(wrong != 0 ? wrong : -ENOENT);
}

}  // namespace sluice::helpers
