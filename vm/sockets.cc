#include "vm/sockets.h"

#include <algorithm>
#include <bit>
#include <tuple>
#include <utility>

namespace sluice::vm {
namespace {

constexpr std::uint16_t swap_bytes(std::uint16_t x) noexcept { return static_cast<std::uint16_t>(x << 8 | x >> 8); }
static_assert(std::endian::native == std::endian::little);

using Address = std::array<std::uint8_t, 16>;

Address widen(const std::array<std::uint8_t, 4>& ip4) noexcept {
  Address address{};
  std::ranges::copy(ip4, address.begin());
  return address;
}
Address local(const Socket& socket) noexcept { return socket.family == kInet ? widen(socket.src_ip4) : socket.src_ip6; }
Address peer(const Socket& socket) noexcept { return socket.family == kInet ? widen(socket.dst_ip4) : socket.dst_ip6; }

bool is_any(const Address& address) noexcept { return address == Address{}; }
bool has_peer(const Socket& socket) noexcept { return socket.dst_port != 0; }

auto order(const SocketRow& row) noexcept { return std::pair(row.socket.protocol, row.socket.src_port); }

// How well a row without a peer, or a UDP one, suits the frame: 0 = not at all. The kernel's compute_score puts the
// address first, and only then what follows.
unsigned score(const SocketRow& row, const SocketTuple& tuple, std::uint32_t ifindex) noexcept {
  const Socket& socket = row.socket;
  if (socket.bound_dev_if != 0 && socket.bound_dev_if != ifindex) return 0;
  const bool any = is_any(local(socket));
  const bool dual = socket.family == kInet6 && tuple.family == kInet && any && !row.ipv6_only && !has_peer(socket);
  if (socket.family != tuple.family && !dual) return 0;
  if (!any && local(socket) != tuple.destination) return 0;
  unsigned points = 1;
  if (has_peer(socket)) {
    if (peer(socket) != tuple.source || socket.dst_port != tuple.source_port) return 0;
    points += 8;
  }
  if (socket.bound_dev_if != 0) points += 4;
  if (socket.family == tuple.family) points += 1;
  return points + (any ? 0 : 16);
}

}  // namespace

Sockets::Sockets(std::vector<SocketRow> rows) : rows_(std::move(rows)) { std::ranges::stable_sort(rows_, {}, order); }

bool Sockets::clash(const SocketRow& a, const SocketRow& b) noexcept {
  const auto key = [](const Socket& s) {
    return std::tuple(s.protocol, s.family, s.src_port, local(s), peer(s), s.dst_port, s.bound_dev_if);
  };
  return key(a.socket) == key(b.socket);
}

const Socket* Sockets::listener(std::uint32_t protocol, const SocketTuple& tuple,
                                std::uint32_t ifindex) const noexcept {
  const Socket* best = nullptr;
  unsigned most = 0;
  const std::pair key(protocol, std::uint32_t{swap_bytes(tuple.destination_port)});
  for (const SocketRow& row : std::ranges::equal_range(rows_, key, {}, order)) {
    if (protocol == kTcp && has_peer(row.socket)) continue;
    const unsigned points = score(row, tuple, ifindex);
    if (points <= most) continue;
    most = points;
    best = &row.socket;
  }
  return best;
}

const Socket* Sockets::find(std::uint32_t protocol, const SocketTuple& tuple, std::uint32_t ifindex) const noexcept {
  if (protocol == kTcp) {
    const std::pair key(protocol, std::uint32_t{swap_bytes(tuple.destination_port)});
    for (const SocketRow& row : std::ranges::equal_range(rows_, key, {}, order)) {
      if (has_peer(row.socket) && score(row, tuple, ifindex) != 0) return &row.socket;
    }
  }
  return listener(protocol, tuple, ifindex);
}

const Socket* Sockets::find_full(std::uint32_t protocol, const SocketTuple& tuple,
                                 std::uint32_t ifindex) const noexcept {
  const Socket* const found = find(protocol, tuple, ifindex);
  if (found == nullptr || is_full(found->state)) return found;
  return found->state == SocketState::kNewSynRecv ? listener(protocol, tuple, ifindex) : nullptr;
}

const SocketRow* Sockets::row_of(const void* address) const noexcept {
  const auto row = std::ranges::find_if(rows_, [address](const SocketRow& one) { return &one.socket == address; });
  return row == rows_.end() ? nullptr : &*row;
}

}  // namespace sluice::vm
