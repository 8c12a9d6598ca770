#pragma once
// What socket look-ups find: the sockets that the pipeline file lists, as rows that programs read through the pointer
// they are given (struct bpf_sock, linux/bpf.h). Made whole at load, constant afterwards: any worker. It outlives every
// run that was handed one of its rows, so nobody counts references.
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::vm {

// Linux's numbers: SOCK_*, IPPROTO_*, AF_*, and BPF_TCP_* of linux/bpf.h.
constexpr std::uint32_t kTcp = 6;
constexpr std::uint32_t kUdp = 17;
constexpr std::uint32_t kInet = 2;
constexpr std::uint32_t kInet6 = 10;
enum class SocketState : std::uint32_t {
  kEstablished = 1,
  kSynSent,
  kSynRecv,
  kFinWait1,
  kFinWait2,
  kTimeWait,
  kClose,
  kCloseWait,
  kLastAck,
  kListen,
  kClosing,
  kNewSynRecv,  // a connection request that its listener has not been told of
};

// struct bpf_sock. IPv4 addresses are in the first member of their pair, IPv6 ones in the second, in network order.
struct Socket {
  std::uint32_t bound_dev_if = 0;  // number of the port it is bound to, 0 = none
  std::uint32_t family = kInet;
  std::uint32_t type = 0;  // SOCK_STREAM or SOCK_DGRAM
  std::uint32_t protocol = kTcp;
  std::uint32_t mark = 0;
  std::uint32_t priority = 0;
  std::array<std::uint8_t, 4> src_ip4{};
  std::array<std::uint8_t, 16> src_ip6{};
  std::uint32_t src_port = 0;  // in the host's order
  std::uint16_t dst_port = 0;  // in network order, 0 = it has no peer
  std::uint16_t padding = 0;
  std::array<std::uint8_t, 4> dst_ip4{};
  std::array<std::uint8_t, 16> dst_ip6{};
  SocketState state = SocketState::kListen;
  std::int32_t rx_queue_mapping = -1;  // the queue its frames come by, -1 = not known
};
static_assert(sizeof(Socket) == 80 && offsetof(Socket, dst_port) == 48 && offsetof(Socket, state) == 72);

// Sockets of these states are no more, or not yet, all that struct bpf_sock shows.
constexpr bool is_full(SocketState state) noexcept {
  return state != SocketState::kTimeWait && state != SocketState::kNewSynRecv;
}

// Who a frame is from and to. Ports are in network order, IPv4 addresses in the first four bytes with zeroes behind.
struct SocketTuple {
  std::uint32_t family = kInet;
  std::array<std::uint8_t, 16> source{}, destination{};
  std::uint16_t source_port = 0, destination_port = 0;
};

struct SocketRow {
  Socket socket;
  bool ipv6_only = false;  // of an IPv6 socket that is bound to no address: IPv4 packets are none of its business
};

class Sockets {
 public:
  // Precondition: no two rows could be found by the same packets for the same reason, see `clash`.
  explicit Sockets(std::vector<SocketRow> rows);

  // The socket that a frame of this tuple by port `ifindex` is for, or null: one with that very peer, else one without
  // a peer, bound to the address rather than to none. kUdp or kTcp; of TCP also sockets that are not is_full.
  [[nodiscard]] const Socket* find(std::uint32_t protocol, const SocketTuple& tuple,
                                   std::uint32_t ifindex) const noexcept;
  // The same, but for sockets that are not is_full: a connection request's listener, else null.
  [[nodiscard]] const Socket* find_full(std::uint32_t protocol, const SocketTuple& tuple,
                                        std::uint32_t ifindex) const noexcept;
  // The row whose socket lies at `address`, or null.
  [[nodiscard]] const SocketRow* row_of(const void* address) const noexcept;

  // Whether neither of two rows could be preferred to the other.
  [[nodiscard]] static bool clash(const SocketRow& a, const SocketRow& b) noexcept;

 private:
  [[nodiscard]] const Socket* listener(std::uint32_t protocol, const SocketTuple& tuple,
                                       std::uint32_t ifindex) const noexcept;

  std::vector<SocketRow> rows_;  // ascending by protocol, local port and peer, so that a look-up sees few
};

}  // namespace sluice::vm
