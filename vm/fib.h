#pragma once
// What bpf_fib_lookup and bpf_check_mtu ask: ports, routes and neighbours of one generation. Implemented by
// dataplane/pipeline, which owns it; constant while frames run: any worker. Addresses are in network order, IPv4 ones
// in the first four bytes with zeroes behind them.
#include <array>
#include <cstdint>

namespace sluice::vm {

using FibAddress = std::array<std::uint8_t, 16>;
using MacAddress = std::array<std::uint8_t, 6>;

enum class FibFamily : std::uint8_t { kIpv4, kIpv6 };

// RT_TABLE_*, linux/rtnetlink.h
constexpr std::uint32_t kDefaultTable = 253;
constexpr std::uint32_t kMainTable = 254;
constexpr std::uint32_t kLocalTable = 255;

struct FibPort {
  std::uint32_t ifindex = 0;
  std::uint32_t mtu = 0;  // bytes of the largest IP packet
  MacAddress mac{};
  bool forwards_ipv4 = true;
  bool forwards_ipv6 = true;
};

struct FibRoute {
  enum class Type : std::uint8_t { kUnicast, kLocal, kBlackhole, kUnreachable, kProhibit } type = Type::kUnicast;
  FibFamily gateway_family = FibFamily::kIpv4;
  bool has_gateway = false;
  bool has_source = false;
  std::uint32_t metric = 0;
  const FibPort* port = nullptr;  // where it leaves; never null in a unicast route
  FibAddress gateway{};
  FibAddress source{};  // what new packets by this route come from; meaningful when has_source
};

class Fib {
 public:
  virtual ~Fib() = default;
  // The port with this number, or null.
  [[nodiscard]] virtual const FibPort* port(std::uint32_t ifindex) const noexcept = 0;
  // The route to `to` in a table, or null when there is none. `through` != 0: routes by other ports are passed over,
  // but for those that only refuse. As in the kernel the local table of IPv4 is one with the main table.
  [[nodiscard]] virtual const FibRoute* route(FibFamily family, std::uint32_t table, const FibAddress& to,
                                              std::uint32_t through) const noexcept = 0;
  // The neighbour's address on that port, or null when it is not known.
  [[nodiscard]] virtual const MacAddress* neighbour(FibFamily family, std::uint32_t ifindex,
                                                    const FibAddress& address) const noexcept = 0;
};

}  // namespace sluice::vm
