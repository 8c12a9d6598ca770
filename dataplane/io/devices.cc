#include "dataplane/io/devices.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

namespace sluice::io {
namespace {

using enum DriverKind;

constexpr std::string_view kInterface = "a network interface such as eth0";
constexpr std::string_view kSocket = "the path of a unix socket";

constexpr DriverRow kDrivers[] = {
    {.kind = kPci, .name = "pci", .device_words = "a PCI address such as 0000:3b:00.0", .max_queues = 256},
    {.kind = kAfPacket,
     .name = "af_packet",
     .pmd = "net_af_packet",
     .device_words = kInterface,
     .max_queues = 16,
     .device_is_netdev = true,
     .partial_checksums = true},
    {.kind = kAfXdp,
     .name = "af_xdp",
     .pmd = "net_af_xdp",
     .device_words = kInterface,
     .max_queues = 64,
     .descriptors = 2048,
     .longest = 3328,  // of a page: 512 of headers and headroom before it, 256 of the kernel's
     .device_is_netdev = true,
     .partial_checksums = true,
     .frames_in_a_page = true},
    {.kind = kTap,
     .name = "tap",
     .pmd = "net_tap",
     .device_words = "the name the host will see",
     .max_queues = 16,
     .paired = true},
    {.kind = kVirtioUser,
     .name = "virtio_user",
     .pmd = "net_virtio_user",
     .device_words = kSocket,
     .max_queues = 8,
     .partial_checksums = true,
     .shares_buffer = true},
    {.kind = kVhost,
     .name = "vhost",
     .pmd = "net_vhost",
     .device_words = kSocket,
     .max_queues = 8,
     .partial_checksums = true},
    {.kind = kMemif,
     .name = "memif",
     .pmd = "net_memif",
     .device_words = kSocket,
     .max_queues = 1,
     .partial_checksums = true},
    {.kind = kNull, .name = "null", .pmd = "net_null", .device_words = {}, .max_queues = 64},
    {.kind = kRing, .name = "ring", .pmd = "net_ring", .device_words = {}, .max_queues = 1, .paired = true},
    {.kind = kPcap, .name = "pcap", .pmd = "net_pcap", .device_words = {}, .max_queues = 1},
};

// `x` stands for a hexadecimal digit, `o` for an octal one.
bool looks_like(std::string_view text, std::string_view pattern) {
  return std::ranges::equal(text, pattern, [](char c, char p) {
    if (p == 'x') return std::isxdigit(static_cast<unsigned char>(c)) != 0;
    return p == 'o' ? c >= '0' && c <= '7' : c == p;
  });
}
bool looks_like_pci(std::string_view text) { return looks_like(text, "xxxx:xx:xx.o") || looks_like(text, "xx:xx.o"); }

std::string_view guess(const config::Port& port) {
  if (!port.rx.value.empty() || !port.tx.value.empty()) return "pcap";
  if (port.device.value.empty()) return {};
  if (looks_like_pci(port.device.value)) return "pci";
  if (port.device.value.find('/') != std::string::npos) return {};
  return "af_packet";
}

Error port_error(const config::Port& port, std::string_view what) {
  return {ErrorCode::kConfig, fmt::format("{}:{}:{}: port {}: {}", port.mark.file, port.mark.line, port.mark.column,
                                          port.name.value, what)};
}

// af_packet's ring: slots that hold the longest frame with the kernel's header of a slot (at most 66 bytes, here 128),
// in blocks of whole pages.
std::string ring_of_packets(std::uint32_t mtu) {
  const std::uint32_t slot = std::max(2048U, (longest_frame(mtu) + 128 + 15) / 16 * 16);
  const std::uint32_t block = slot <= 2048 ? 65536 : (slot * 8 + 4095) / 4096 * 4096;
  return fmt::format("framesz={},blocksz={},framecnt={}", slot, block, block / slot * (slot <= 2048 ? 64 : 128));
}

std::string arguments(const config::Port& port, const Device& device) {
  const std::string& name = port.device.value;
  const std::uint16_t queues = device.queues;
  switch (device.driver->kind) {
    case kPci: return {};
    case kAfPacket: return fmt::format("iface={},qpairs={},qdisc_bypass=1,{}", name, queues, ring_of_packets(port.mtu));
    case kAfXdp: return fmt::format("iface={},start_queue=0,queue_count={}", name, queues);
    case kTap: return fmt::format("iface={}", name);
    case kVirtioUser: return fmt::format("path={},queues={},queue_size=1024", name, queues);
    case kVhost: return fmt::format("iface={},queues={}", name, queues);
    case kMemif: return fmt::format("role=server,socket={},socket-abstract=no", name);
    case kNull: return "size=64,copy=1";
    case kRing: return {};
    case kPcap: {
      // Without a file to read from, or to write to, that side is a device that gives or takes nothing.
      std::string args = port.rx.value.empty() ? "infinite_rx=0" : fmt::format("rx_pcap={}", port.rx.value);
      if (!port.tx.value.empty()) args += fmt::format(",tx_pcap={}", port.tx.value);
      return args;
    }
  }
  return {};
}

}  // namespace

std::span<const DriverRow> drivers() noexcept { return kDrivers; }

Result<Device> device_of(const config::Port& port, unsigned index, unsigned workers) {
  const std::string_view wanted =
      port.driver.value.empty() || port.driver.value == "auto" ? guess(port) : std::string_view(port.driver.value);
  if (wanted.empty()) {
    return port_error(port, port.device.value.empty()
                                ? "neither 'driver', 'device' nor 'rx' says what it is; add for example `device: eth0`"
                                : "a socket may belong to memif, vhost or virtio_user: say which in 'driver'");
  }
  const auto* const row = std::ranges::find(kDrivers, wanted, &DriverRow::name);
  if (row == std::end(kDrivers)) return port_error(port, fmt::format("driver '{}' is not known", wanted));
  if (!row->device_words.empty() && port.device.value.empty()) {
    return port_error(port, fmt::format("driver {} needs 'device': {}", row->name, row->device_words));
  }
  if (row->kind == kPcap && port.rx.value.empty() && port.tx.value.empty()) {
    return port_error(port, "driver pcap needs 'rx', a capture to receive from, or 'tx', one to send to");
  }
  if (longest_frame(port.mtu) > row->longest) {
    return port_error(port, fmt::format("driver {} receives frames of up to {} bytes: 'mtu' can be {} at most",
                                        row->name, row->longest, row->longest - longest_frame(0)));
  }
  // DPDK splits arguments at commas and brackets.
  for (const config::Text* const text : {&port.device, &port.rx, &port.tx}) {
    if (text->value.find_first_of(",[]=") != std::string::npos) {
      return port_error(port, fmt::format("'{}' holds one of , [ ] =, which DPDK cannot take in a name", text->value));
    }
  }
  Device device{.driver = row, .name = {}, .args = {}, .netdev = row->device_is_netdev ? port.device.value : ""};
  const unsigned queues = port.queues != 0 ? port.queues : workers;
  device.queues = static_cast<std::uint16_t>(std::clamp(queues, 1U, unsigned{row->max_queues}));
  // An AF_XDP socket belongs to a queue the interface must have: only the user knows how many there are.
  if (row->kind == kAfXdp && port.queues == 0) device.queues = 1;
  device.name = row->pmd.empty() ? port.device.value : fmt::format("{}{}", row->pmd, index);
  device.args = port.devargs.value.empty() ? arguments(port, device) : port.devargs.value;
  return device;
}

}  // namespace sluice::io
