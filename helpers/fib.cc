// Ports and routes. The layout of the structures is linux/bpf.h's; what is written on which way out is the kernel's.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "helpers/functions.h"
#include "vm/fib.h"
#include "vm/xdp.h"

namespace sluice::helpers {
namespace {

// struct bpf_fib_lookup, linux/bpf.h. IPv4 addresses are the first four bytes of theirs.
struct Params {
  std::uint8_t family;
  std::uint8_t protocol;
  std::uint16_t source_port, destination_port;
  std::uint16_t length;   // asked for: bytes of the IP packet; answered: the MTU
  std::uint32_t ifindex;  // asked for: where it came in; answered: where it leaves
  std::uint32_t metric;   // asked for: type of service or flow
  vm::FibAddress source, destination;
  std::uint32_t table;  // answered: VLAN protocol and tag, which are always 0
  vm::MacAddress source_mac, destination_mac;
};
static_assert(sizeof(Params) == 64 && offsetof(Params, source) == 16 && offsetof(Params, table) == 48);

// BPF_FIB_LKUP_RET_*
enum Answer : std::uint8_t {
  kSuccess,
  kBlackhole,
  kUnreachable,
  kProhibit,
  kNotForwarded,
  kForwardingDisabled,
  kNoNeighbour = 7,
  kFragmentation,
  kNoSource,
};

constexpr std::uint32_t kEthernetHeader = 14;
// Without a configuration there is one port, where the frame came in: as large as the kernel's loopback, on which it
// runs test frames, and like that it forwards nothing.
constexpr std::uint32_t kLoopbackMtu = 65536;
constexpr Arg kFragmentationNeeded = 1;  // BPF_MTU_CHK_RET_FRAG_NEEDED

// The MTU of a port, 0 when there is none with this number.
std::uint32_t mtu_of(std::uint32_t ifindex, const vm::ExecEnv& env, const vm::XdpContext& frame) {
  if (ifindex == 0) ifindex = frame.ingress_ifindex;
  if (env.fib == nullptr) return ifindex == frame.ingress_ifindex ? kLoopbackMtu : 0;
  const vm::FibPort* const port = env.fib->port(ifindex);
  return port == nullptr ? 0 : port->mtu;
}

// BPF_FIB_LOOKUP_*; the header at hand need not have the last one.
constexpr std::uint32_t kDirect = 1;
constexpr std::uint32_t kOutput = 2;
constexpr std::uint32_t kSkipNeighbour = 4;
constexpr std::uint32_t kTableId = 8;
constexpr std::uint32_t kSource = 16;
constexpr std::uint32_t kMark = 32;
constexpr std::uint32_t kKnownFlags = kDirect | kOutput | kSkipNeighbour | kTableId | kSource | kMark;

constexpr std::uint32_t kMostMtu = 65535;  // IP_MAX_MTU

vm::FibAddress ipv4(const vm::FibAddress& address) {
  vm::FibAddress out{};
  std::copy_n(address.begin(), 4, out.begin());
  return out;
}

// Multicast, link-local and loopback addresses are never forwarded (rt6_need_strict).
bool stays_on_link(const vm::FibAddress& address) {
  if (address[0] == 0xff || (address[0] == 0xfe && (address[1] & 0xc0) == 0x80)) return true;
  return std::all_of(address.begin(), address.end() - 1, [](std::uint8_t byte) { return byte == 0; }) &&
         address.back() == 1;
}

// One look-up; `params` is changed as far as the kernel would have changed it.
class Lookup {
 public:
  Lookup(const vm::Fib& fib, Params& params, std::uint32_t flags)
      : fib_(fib),
        params_(params),
        flags_(flags),
        family_(params.family == AF_INET ? vm::FibFamily::kIpv4 : vm::FibFamily::kIpv6) {}

  int run() {
    if (!is_ipv4() && (stays_on_link(params_.destination) || stays_on_link(params_.source))) {
      return kNotForwarded;
    }
    const vm::FibPort* const from = fib_.port(params_.ifindex);
    if (from == nullptr) return -ENODEV;
    if (!(is_ipv4() ? from->forwards_ipv4 : from->forwards_ipv6)) return kForwardingDisabled;
    const vm::FibRoute* const route = find();
    if (route == nullptr) return kNotForwarded;
    switch (route->type) {
      case vm::FibRoute::Type::kUnicast: return forward(*route);
      case vm::FibRoute::Type::kLocal: return kNotForwarded;
      case vm::FibRoute::Type::kBlackhole: return kBlackhole;
      case vm::FibRoute::Type::kUnreachable: return kUnreachable;
      case vm::FibRoute::Type::kProhibit: return kProhibit;
    }
    return kNotForwarded;
  }

 private:
  [[nodiscard]] bool is_ipv4() const { return family_ == vm::FibFamily::kIpv4; }
  [[nodiscard]] bool has(std::uint32_t flag) const { return (flags_ & flag) != 0; }

  [[nodiscard]] const vm::FibRoute* find() {
    const vm::FibAddress to = is_ipv4() ? ipv4(params_.destination) : params_.destination;
    // For IPv6 a port asked for only decides between routes that are equal otherwise.
    const std::uint32_t through = is_ipv4() && has(kOutput) ? params_.ifindex : 0;
    if (has(kDirect)) {
      std::uint32_t table = vm::kMainTable;
      if (has(kTableId)) {
        table = params_.table == 0 ? vm::kMainTable : params_.table;  // RT_TABLE_UNSPEC is the main one
        params_.table = 0;
      }
      return fib_.route(family_, table, to, through);
    }
    const std::uint32_t first = is_ipv4() ? vm::kMainTable : vm::kLocalTable;
    const std::uint32_t second = is_ipv4() ? vm::kDefaultTable : vm::kMainTable;
    const vm::FibRoute* const found = fib_.route(family_, first, to, through);
    return found != nullptr ? found : fib_.route(family_, second, to, through);
  }

  int forward(const vm::FibRoute& route) {
    const auto mtu = static_cast<std::uint16_t>(std::min(route.port->mtu, kMostMtu));
    if (params_.length > mtu) {
      params_.length = mtu;
      return kFragmentation;
    }
    params_.metric = route.metric;
    params_.ifindex = route.port->ifindex;
    // The kernel puts IPv6's gateway in place before it looks for a source, IPv4's behind it: no one can tell.
    put_gateway(route);
    if (has(kSource) && !put_source(route)) return kNoSource;
    if (!has(kSkipNeighbour)) {
      const bool v6 = params_.family == AF_INET6;
      const vm::MacAddress* const neighbour =
          fib_.neighbour(v6 ? vm::FibFamily::kIpv6 : vm::FibFamily::kIpv4, route.port->ifindex,
                         v6 ? params_.destination : ipv4(params_.destination));
      if (neighbour == nullptr) return kNoNeighbour;
      params_.destination_mac = *neighbour;
      params_.source_mac = route.port->mac;
    }
    params_.table = 0;
    params_.length = mtu;
    return kSuccess;
  }

  void put_gateway(const vm::FibRoute& route) {
    if (!route.has_gateway) return;
    if (route.gateway_family == vm::FibFamily::kIpv4) {
      std::copy_n(route.gateway.begin(), 4, params_.destination.begin());
      return;
    }
    params_.family = AF_INET6;
    params_.destination = route.gateway;
  }

  // An IPv4 route without a source gives 0.0.0.0, as a port without addresses does; false: IPv6 has none.
  bool put_source(const vm::FibRoute& route) {
    if (!is_ipv4() && !route.has_source) return false;
    std::copy_n(route.source.begin(), is_ipv4() ? 4 : 16, params_.source.begin());
    return true;
  }

  const vm::Fib& fib_;
  Params& params_;
  std::uint32_t flags_;
  vm::FibFamily family_;
};

// What there is without a configuration.
class OnePort final : public vm::Fib {
 public:
  explicit OnePort(std::uint32_t ifindex)
      : port_{.ifindex = ifindex, .mtu = kLoopbackMtu, .forwards_ipv4 = false, .forwards_ipv6 = false} {}
  [[nodiscard]] const vm::FibPort* port(std::uint32_t ifindex) const noexcept override {
    return ifindex == port_.ifindex ? &port_ : nullptr;
  }
  [[nodiscard]] const vm::FibRoute* route(vm::FibFamily, std::uint32_t, const vm::FibAddress&,
                                          std::uint32_t) const noexcept override {
    return nullptr;
  }
  [[nodiscard]] const vm::MacAddress* neighbour(vm::FibFamily, std::uint32_t,
                                                const vm::FibAddress&) const noexcept override {
    return nullptr;
  }

 private:
  vm::FibPort port_;
};

}  // namespace

Arg fib_lookup(Arg context, Arg params, Arg size, Arg flags, Arg, vm::ExecEnv& env) noexcept {
  const auto& frame = *reinterpret_cast<const vm::XdpContext*>(context);
  const auto known = static_cast<std::uint32_t>(flags);
  Params copy;  // the program's may lie anywhere
  if (static_cast<std::uint32_t>(size) < sizeof copy || (known & ~kKnownFlags) != 0) return failed(-EINVAL);
  std::memcpy(&copy, reinterpret_cast<const void*>(params), sizeof copy);
  if (copy.family != AF_INET && copy.family != AF_INET6) return failed(-EAFNOSUPPORT);
  const OnePort without(frame.ingress_ifindex);
  const vm::Fib& fib = env.fib != nullptr ? *env.fib : without;
  const int result = Lookup(fib, copy, known).run();
  std::memcpy(reinterpret_cast<void*>(params), &copy, sizeof copy);
  return failed(result);
}

Arg check_mtu(Arg context, Arg ifindex, Arg mtu_length, Arg difference, Arg flags, vm::ExecEnv& env) noexcept {
  const auto& frame = *reinterpret_cast<const vm::XdpContext*>(context);
  auto* const length = reinterpret_cast<std::uint32_t*>(mtu_length);
  if (flags != 0) return failed(-EINVAL);
  const std::uint32_t mtu = mtu_of(static_cast<std::uint32_t>(ifindex), env, frame);
  if (mtu == 0) return failed(-ENODEV);
  // The linear part only, and 32 bits that wrap around: as in the kernel.
  auto bytes = static_cast<std::uint32_t>(frame.data_end - frame.data);
  if (*length != 0) bytes = *length + kEthernetHeader;
  bytes += static_cast<std::uint32_t>(difference);
  *length = mtu;
  return static_cast<std::int32_t>(bytes) > static_cast<std::int32_t>(mtu + kEthernetHeader) ? kFragmentationNeeded : 0;
}

}  // namespace sluice::helpers
