#include "dataplane/pipeline/sockets.h"

#include <algorithm>
#include <array>

namespace sluice::pipeline {
namespace {

using vm::SocketState;

// config::Socket::State; a request is another state to programs than to who lists sockets.
constexpr std::array<SocketState, 10> kStates = {
    SocketState::kListen,   SocketState::kEstablished, SocketState::kSynSent,  SocketState::kNewSynRecv,
    SocketState::kFinWait1, SocketState::kFinWait2,    SocketState::kTimeWait, SocketState::kCloseWait,
    SocketState::kLastAck,  SocketState::kClosing};

SocketState state_of(const config::Socket& told) {
  const bool udp = told.protocol == config::Socket::Protocol::kUdp;
  if (told.state) return kStates[static_cast<std::size_t>(*told.state)];
  if (told.remote) return SocketState::kEstablished;
  return udp ? SocketState::kClose : SocketState::kListen;
}

void put(const config::IpAddress& address, std::array<std::uint8_t, 4>& ip4, std::array<std::uint8_t, 16>& ip6) {
  if (address.is_ipv6) {
    ip6 = address.bytes;
  } else {
    std::copy_n(address.bytes.begin(), ip4.size(), ip4.begin());
  }
}

vm::SocketRow row_of(const config::Config& config, const config::Socket& told) {
  constexpr std::uint32_t kStream = 1, kDatagram = 2;  // SOCK_*
  const bool udp = told.protocol == config::Socket::Protocol::kUdp;
  vm::SocketRow row{.ipv6_only = told.ipv6_only};
  vm::Socket& socket = row.socket;
  if (const config::Port* const port = config.port(told.port.value)) socket.bound_dev_if = port->ifindex;
  socket.family = told.local.address.is_ipv6 ? vm::kInet6 : vm::kInet;
  socket.type = udp ? kDatagram : kStream;
  socket.protocol = udp ? vm::kUdp : vm::kTcp;
  socket.mark = told.so_mark;
  socket.priority = told.priority;
  socket.state = state_of(told);
  socket.src_port = told.local.port;
  put(told.local.address, socket.src_ip4, socket.src_ip6);
  if (!told.remote) return row;
  const std::uint16_t port = told.remote->port;
  socket.dst_port = static_cast<std::uint16_t>(port << 8 | port >> 8);
  put(told.remote->address, socket.dst_ip4, socket.dst_ip6);
  return row;
}

}  // namespace

std::unique_ptr<const vm::Sockets> make_sockets(const config::Config& config) {
  if (config.sockets.empty()) return nullptr;
  std::vector<vm::SocketRow> rows;
  for (const config::Socket& one : config.sockets) rows.push_back(row_of(config, one));
  return std::make_unique<const vm::Sockets>(std::move(rows));
}

}  // namespace sluice::pipeline
