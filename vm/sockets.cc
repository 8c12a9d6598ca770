#include "vm/sockets.h"

#include <algorithm>
#include <bit>
#include <compare>
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

// Rows of one key lie side by side: those with a peer by that peer, all others of a port together.
struct Key {
  std::uint32_t protocol = 0;
  std::uint32_t port = 0;       // local, in the host's order
  std::uint16_t peer_port = 0;  // in network order, 0 = none
  Address peer{};
  auto operator<=>(const Key&) const = default;
};
Key key_of(const SocketRow& row) noexcept {
  const Socket& socket = row.socket;
  return {socket.protocol, socket.src_port, socket.dst_port, peer(socket)};
}
Key unconnected(std::uint32_t protocol, const SocketTuple& tuple) noexcept {
  return {protocol, swap_bytes(tuple.destination_port), 0, {}};
}

// How well a row of the frame's key suits the frame: 0 = not at all.
unsigned score(const SocketRow& row, const SocketTuple& tuple, std::uint32_t ifindex) noexcept {
  const Socket& socket = row.socket;
  if (socket.bound_dev_if != 0 && socket.bound_dev_if != ifindex) return 0;
  const bool any = is_any(local(socket));
  const bool dual = socket.family == kInet6 && tuple.family == kInet && any && !row.ipv6_only && !has_peer(socket);
  if (socket.family != tuple.family && !dual) return 0;
  if (!any && local(socket) != tuple.destination) return 0;
  // What is preferred is the address, then the port that it came in by, then the family.
  return 1U + (any ? 0 : 4U) + (socket.bound_dev_if != 0 ? 2U : 0) + (socket.family == tuple.family ? 1U : 0);
}

// The best of the rows of one key, or null.
const Socket* best(const std::vector<SocketRow>& rows, const Key& key, const SocketTuple& tuple,
                   std::uint32_t ifindex) noexcept {
  const Socket* found = nullptr;
  unsigned most = 0;
  for (const SocketRow& row : std::ranges::equal_range(rows, key, {}, key_of)) {
    const unsigned points = score(row, tuple, ifindex);
    if (points <= most) continue;
    most = points;
    found = &row.socket;
  }
  return found;
}

}  // namespace

Sockets::Sockets(std::vector<SocketRow> rows) : rows_(std::move(rows)) { std::ranges::stable_sort(rows_, {}, key_of); }

bool Sockets::clash(const SocketRow& a, const SocketRow& b) noexcept {
  const auto rest = [](const Socket& s) { return std::tuple(s.family, local(s), s.bound_dev_if); };
  return key_of(a) == key_of(b) && rest(a.socket) == rest(b.socket);
}

const Socket* Sockets::listener(std::uint32_t protocol, const SocketTuple& tuple,
                                std::uint32_t ifindex) const noexcept {
  return best(rows_, unconnected(protocol, tuple), tuple, ifindex);
}

const Socket* Sockets::find(std::uint32_t protocol, const SocketTuple& tuple, std::uint32_t ifindex) const noexcept {
  Key key = unconnected(protocol, tuple);
  key.peer_port = tuple.source_port;
  key.peer = tuple.source;
  const Socket* const connected = tuple.source_port == 0 ? nullptr : best(rows_, key, tuple, ifindex);
  return connected != nullptr ? connected : listener(protocol, tuple, ifindex);
}

const Socket* Sockets::find_full(std::uint32_t protocol, const SocketTuple& tuple,
                                 std::uint32_t ifindex) const noexcept {
  const Socket* const found = find(protocol, tuple, ifindex);
  if (found == nullptr || is_full(found->state)) return found;
  return found->state == SocketState::kNewSynRecv ? listener(protocol, tuple, ifindex) : nullptr;
}

const SocketRow* Sockets::row_of(const void* address) const noexcept {
  static_assert(offsetof(SocketRow, socket) == 0);
  const auto first = reinterpret_cast<std::uintptr_t>(rows_.data());
  const auto distance = reinterpret_cast<std::uintptr_t>(address) - first;  // huge when it lies in front
  const std::size_t index = distance / sizeof(SocketRow);
  return index < rows_.size() && distance % sizeof(SocketRow) == 0 ? &rows_[index] : nullptr;
}

}  // namespace sluice::vm
