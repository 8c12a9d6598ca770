#pragma once
// Which DPDK device a port of the configuration becomes: names and arguments as text, from one table of drivers. No
// device is touched here. Control path, any thread.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "dataplane/config/config.h"

namespace sluice::io {

enum class DriverKind : std::uint8_t {
  kPci,
  kAfPacket,
  kAfXdp,
  kTap,
  kVirtioUser,
  kVhost,
  kMemif,
  kNull,
  kRing,
  kPcap
};

// What is special about a driver.
struct DriverRow {
  DriverKind kind;
  std::string_view name;            // as in `driver:`
  std::string_view pmd;             // DPDK's name without the number; empty: not a virtual device
  std::string_view device_words;    // what `device` must be; empty: none is taken
  std::uint16_t max_queues;         // receive queues that spread flows by themselves
  std::uint16_t descriptors = 512;  // frames a queue holds
  std::uint32_t longest = 65535;    // frame the driver can receive, bytes
  bool device_is_netdev = false;    // `device` names a network interface that must exist
  bool partial_checksums = false;   // frames of local senders arrive with checksums left to do
  bool shares_buffer = false;       // a peer can still write the buffer: copied before a program sees it
  bool frames_in_a_page = false;    // a frame and its header share one page of 4,096 bytes
  bool paired = false;              // takes as many transmit queues as receive queues, no more
};
std::span<const DriverRow> drivers() noexcept;

struct Device {
  const DriverRow* driver = nullptr;
  std::string name;    // for DPDK: "net_af_packet0", or a PCI address
  std::string args;    // of rte_vdev_init
  std::string netdev;  // the network interface behind it, empty when there is none
  std::uint16_t queues = 1;
};

// The longest frame a port of this MTU takes or sends: two VLAN tags beside the Ethernet header, no FCS. Bytes.
constexpr std::uint32_t longest_frame(std::uint32_t mtu) noexcept { return mtu + 14 + 8; }

// `index` is the port's place in the configuration, `workers` how many threads will share it. Errors (kConfig) name the
// port and the key.
Result<Device> device_of(const config::Port& port, unsigned index, unsigned workers);

}  // namespace sluice::io
