#include "dataplane/io/port.h"

#include <fcntl.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <rte_dev.h>
#include <rte_ethdev.h>

#include "base/diagnostics.h"
#include "dataplane/io/eal.h"
#include "dataplane/io/packet_socket.h"

namespace sluice::io {
namespace {

// The symmetric Toeplitz key: both directions of a flow get one queue (Woo and Park, 2012).
constexpr std::array<std::uint8_t, 40> kSymmetricKey = [] {
  std::array<std::uint8_t, 40> key{};
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = i % 2 == 0 ? 0x6d : 0x5a;
  return key;
}();
constexpr std::uint64_t kFlowTypes = RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP;

Error environment(const std::string& port, std::string_view doing, int error) {
  const std::string log = last_log();
  return {ErrorCode::kEnvironment,
          fmt::format("port {}: {}: {}{}{}", port, doing, std::strerror(error < 0 ? -error : error),
                      log.empty() ? "" : "; DPDK says: ", log)};
}

const char* bus_of(const Device& device) noexcept { return device.driver->pmd.empty() ? "pci" : "vdev"; }

std::string interfaces() {
  std::string names;
  struct if_nameindex* const list = ::if_nameindex();
  for (const auto* at = list; at != nullptr && at->if_index != 0; ++at) {
    names += (names.empty() ? "" : ", ") + std::string(at->if_name);
  }
  if (list != nullptr) if_freenameindex(list);
  return names;
}

// Closes on the way out.
class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd_ >= 0) close(fd_);
  }
  [[nodiscard]] bool ok() const noexcept { return fd_ >= 0; }
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

constexpr std::string_view kHowToAllow =
    "run as root, or once: setcap cap_net_raw,cap_net_admin+ep $(command -v sluice)";

bool interface_is_up(const std::string& name) {
  const Fd socket_fd(socket(AF_INET, SOCK_DGRAM, 0));
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  return !socket_fd.ok() || ioctl(socket_fd.get(), SIOCGIFFLAGS, &request) != 0 || (request.ifr_flags & IFF_UP) != 0;
}

// One of an interface's counters; 0 when it does not exist (any more).
std::uint64_t netdev_counter(const std::string& name, std::string_view counter) {
  std::uint64_t number = 0;
  if (!name.empty()) std::ifstream(fmt::format("/sys/class/net/{}/statistics/{}", name, counter)) >> number;
  return number;
}

}  // namespace

Result<void> check_netdev(const config::Port& config, const Device& device) {
  const std::string& port = config.name.value;
  if (device.driver->kind == DriverKind::kTap) {
    const Fd tun(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
    if (tun.ok()) return {};
    const int error = errno;
    return Error{ErrorCode::kEnvironment, fmt::format("port {}: /dev/net/tun: {}; {}", port, std::strerror(error),
                                                      error == ENOENT ? "load the module: modprobe tun" : kHowToAllow)};
  }
  if (device.netdev.empty()) return {};
  if (if_nametoindex(device.netdev.c_str()) == 0) {
    return Error{ErrorCode::kEnvironment,
                 fmt::format("port {}: there is no network interface '{}'; this machine has {}", port,
                             printable(device.netdev), interfaces())};
  }
  const Fd raw(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  if (!raw.ok()) {
    return Error{ErrorCode::kEnvironment, fmt::format("port {}: may not open interface {} ({}); {}", port,
                                                      device.netdev, std::strerror(errno), kHowToAllow)};
  }
  if (!interface_is_up(device.netdev)) {
    return Error{ErrorCode::kEnvironment, fmt::format("port {}: interface {} is down; try: ip link set {} up", port,
                                                      device.netdev, device.netdev)};
  }
  return {};
}

Port::Port(const config::Port& config, Device device, std::uint16_t id)
    : name_(config.name.value),
      device_(std::move(device)),
      id_(id),
      mtu_(config.mtu),
      promisc_(config.promisc),
      mac_(config.mac),
      netdev_index_(device_.netdev.empty() ? 0 : if_nametoindex(device_.netdev.c_str())),
      down_(std::make_unique<std::atomic<bool>>(false)) {}

Port::Port(Port&& other) noexcept
    : name_(std::move(other.name_)),
      device_(std::move(other.device_)),
      id_(other.id_),
      open_(std::exchange(other.open_, false)),
      started_(std::exchange(other.started_, false)),
      mtu_(other.mtu_),
      promisc_(other.promisc_),
      mac_(other.mac_),
      netdev_index_(other.netdev_index_),
      netdev_before_(other.netdev_before_),
      sockets_(std::move(other.sockets_)),
      sockets_missed_(other.sockets_missed_),
      rx_queues_(other.rx_queues_),
      tx_queues_(other.tx_queues_),
      down_(std::move(other.down_)) {}

Result<Port> Port::open(const config::Port& config, Device device) {
  if (auto usable = check_netdev(config, device); !usable) return std::move(usable).error();
  forget_log();
  const std::vector<int> others = packet_sockets();
  const int made = rte_eal_hotplug_add(bus_of(device), device.name.c_str(), device.args.c_str());
  if (made < 0) {
    return environment(
        config.name.value,
        fmt::format("DPDK cannot open {}{}{}", device.name, device.args.empty() ? "" : " with ", device.args), made);
  }
  std::uint16_t id = 0;
  if (rte_eth_dev_get_port_by_name(device.name.c_str(), &id) != 0) {
    return environment(config.name.value, fmt::format("{} is no network device", device.name), ENODEV);
  }
  Port port(config, std::move(device), id);
  std::ranges::set_difference(packet_sockets(), others, std::back_inserter(port.sockets_));
  return port;
}

Port::~Port() {
  if (!open_) return;
  stop();
  rte_eth_dev_close(id_);
  rte_eal_hotplug_remove(bus_of(device_), device_.name.c_str());
}

Result<void> Port::configure(unsigned workers, rte_mempool* pool) {
  forget_log();
  rte_eth_dev_info info{};
  if (const int error = rte_eth_dev_info_get(id_, &info); error != 0)
    return environment(name_, "ask the device", error);
  const auto at_most = [](unsigned wanted, std::uint16_t limit) {
    return static_cast<std::uint16_t>(std::max(1U, std::min<unsigned>(wanted, limit)));
  };
  rx_queues_ = at_most(std::min<unsigned>(device_.queues, workers), info.max_rx_queues);
  tx_queues_ = at_most(device_.driver->paired ? rx_queues_ : workers, info.max_tx_queues);

  rte_eth_conf conf{};
  conf.rxmode.mtu = std::clamp<std::uint32_t>(mtu_, info.min_mtu, info.max_mtu == 0 ? UINT16_MAX : info.max_mtu);
  std::array<std::uint8_t, kSymmetricKey.size()> key = kSymmetricKey;
  if (rx_queues_ > 1 && (info.flow_type_rss_offloads & kFlowTypes) != 0) {
    conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf.rx_adv_conf.rss_conf.rss_hf = info.flow_type_rss_offloads & kFlowTypes;
    if (info.hash_key_size == key.size()) {
      conf.rx_adv_conf.rss_conf.rss_key = key.data();
      conf.rx_adv_conf.rss_conf.rss_key_len = key.size();
    }
  }
  if (const int error = rte_eth_dev_configure(id_, rx_queues_, tx_queues_, &conf); error != 0) {
    return environment(name_, fmt::format("configure {} receive and {} transmit queues", rx_queues_, tx_queues_),
                       error);
  }
  std::uint16_t rx = device_.driver->descriptors;
  std::uint16_t tx = device_.driver->descriptors;
  if (const int error = rte_eth_dev_adjust_nb_rx_tx_desc(id_, &rx, &tx); error != 0) {
    return environment(name_, "choose the length of queues", error);
  }
  for (std::uint16_t q = 0; q < rx_queues_; ++q) {
    const int error = rte_eth_rx_queue_setup(id_, q, rx, SOCKET_ID_ANY, nullptr, pool);
    if (error != 0) return environment(name_, fmt::format("make receive queue {}", q), error);
  }
  for (std::uint16_t q = 0; q < tx_queues_; ++q) {
    const int error = rte_eth_tx_queue_setup(id_, q, tx, SOCKET_ID_ANY, nullptr);
    if (error != 0) return environment(name_, fmt::format("make transmit queue {}", q), error);
  }
  return {};
}

Result<void> Port::start() {
  forget_log();
  netdev_before_ = netdev_losses();
  take_packet_drops(sockets_);
  if (const int error = rte_eth_dev_start(id_); error != 0) return environment(name_, "start the device", error);
  started_ = true;
  // Virtual devices without a filter of addresses say ENOTSUP, and take every frame anyway.
  if (promisc_) rte_eth_promiscuous_enable(id_);
  if (mac_) {
    rte_ether_addr address{};
    std::ranges::copy(*mac_, address.addr_bytes);
    if (const int error = rte_eth_dev_default_mac_addr_set(id_, &address); error != 0) {
      return environment(name_, "set 'mac'", error);
    }
  }
  return {};
}

void Port::stop() noexcept {
  if (std::exchange(started_, false)) rte_eth_dev_stop(id_);
}

Port::Losses Port::netdev_losses() const {
  const auto counter = [this](std::string_view name) { return netdev_counter(device_.netdev, name); };
  return {.received = counter("rx_dropped") + counter("rx_missed_errors"), .sent = counter("tx_dropped")};
}

DeviceCounters Port::counters() noexcept {
  rte_eth_stats stats{};
  if (rte_eth_stats_get(id_, &stats) != 0) return {};
  const Losses now = netdev_losses();
  const auto since = [](std::uint64_t after, std::uint64_t before) { return after - std::min(after, before); };
  sockets_missed_ += take_packet_drops(sockets_);
  return {.missed = std::max(stats.imissed, since(now.received, netdev_before_.received)) + sockets_missed_,
          .no_buffer = stats.rx_nombuf,
          .rx_errors = stats.ierrors,
          .tx_errors = std::max(stats.oerrors, since(now.sent, netdev_before_.sent))};
}

bool Port::watch() noexcept {
  if (netdev_index_ == 0 || if_nametoindex(device_.netdev.c_str()) == netdev_index_) return false;
  return !down_->exchange(true, std::memory_order_relaxed);
}

}  // namespace sluice::io
