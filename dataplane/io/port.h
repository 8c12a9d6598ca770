#pragma once
// One DPDK device: made from a ports: entry, configured with a receive queue a worker where it has them and a transmit
// queue a worker where it has them, started, stopped, removed. Main thread; `down` is read by workers.
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "dataplane/config/config.h"
#include "dataplane/io/devices.h"

struct rte_mempool;

namespace sluice::io {

// What the device itself counted: frames that never became ours, or that it could not send.
struct DeviceCounters {
  std::uint64_t missed = 0;     // no room in the receive queue, as the device or the interface behind it says
  std::uint64_t no_buffer = 0;  // no free mbuf to receive into
  std::uint64_t rx_errors = 0, tx_errors = 0;
};

class Port {
 public:
  // Makes the device without configuring it. Errors: kEnvironment, with what DPDK said.
  static Result<Port> open(const config::Port& config, Device device);
  Port(Port&& other) noexcept;
  Port& operator=(Port&&) = delete;
  ~Port();

  // Queues for `workers` and their descriptors; frames are received into `pool`.
  Result<void> configure(unsigned workers, rte_mempool* pool);
  Result<void> start();
  void stop() noexcept;

  [[nodiscard]] std::uint16_t device() const noexcept { return id_; }
  [[nodiscard]] const DriverRow& driver() const noexcept { return *device_.driver; }
  [[nodiscard]] std::uint16_t rx_queues() const noexcept { return rx_queues_; }
  [[nodiscard]] std::uint16_t tx_queues() const noexcept { return tx_queues_; }
  [[nodiscard]] std::uint32_t longest() const noexcept { return longest_frame(mtu_); }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::atomic<bool>& down() const noexcept { return *down_; }
  [[nodiscard]] DeviceCounters counters() noexcept;

  // The device is gone for good: workers leave it alone from now on. True when that is new.
  bool watch() noexcept;

 private:
  Port(const config::Port& config, Device device, std::uint16_t id);

  struct Losses {  // frames the interface behind the device dropped, by its own counters
    std::uint64_t received = 0, sent = 0;
  };
  [[nodiscard]] Losses netdev_losses() const;

  std::string name_;
  Device device_;
  std::uint16_t id_ = 0;
  bool open_ = true;
  bool started_ = false;
  std::uint32_t mtu_ = 0;
  bool promisc_ = true;
  std::optional<std::array<std::uint8_t, 6>> mac_;
  unsigned netdev_index_ = 0;  // of the interface behind the device, 0 = none
  Losses netdev_before_;       // what the interface had lost when the port was started
  std::vector<int> sockets_;   // of an af_packet device, which owns them
  std::uint64_t sockets_missed_ = 0;
  std::uint16_t rx_queues_ = 0, tx_queues_ = 0;
  std::unique_ptr<std::atomic<bool>> down_;  // address stable: workers point to it
};

// What is wrong with the interface behind a port before DPDK is asked: it does not exist (with the nearest name), or
// the process may not open it. Ok when nothing is.
Result<void> check_netdev(const config::Port& config, const Device& device);

}  // namespace sluice::io
