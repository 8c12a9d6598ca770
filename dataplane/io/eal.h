#pragma once
// DPDK's environment abstraction layer, hidden: started once a process from what the configuration says, with huge
// pages where there are any. What DPDK logs is kept for our own error texts and printed nowhere. Main thread only.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "dataplane/config/config.h"

namespace sluice::io {

struct EalPlan {
  unsigned workers = 1;
  std::vector<unsigned> cores;  // CPUs workers are pinned to, in turn; empty: all but the main one
  std::optional<unsigned> main_core;
  std::uint64_t memory_bytes = 0;  // what pools and queues need
  config::Dpdk::Hugepages hugepages = config::Dpdk::Hugepages::kAuto;
  bool pci = false;                // look for PCI devices
  std::vector<std::string> extra;  // raw arguments of the user, last
};

class Eal {
 public:
  // Errors: kConfig for CPUs that do not exist, kEnvironment for the rest, with the command that mends it.
  static Result<Eal> start(const EalPlan& plan);
  Eal(Eal&& other) noexcept;
  Eal& operator=(Eal&&) = delete;
  ~Eal();

  // Whether frames lie in huge pages.
  [[nodiscard]] bool has_huge_pages() const noexcept { return huge_; }
  // The DPDK lcore of worker `index`.
  static unsigned lcore_of(unsigned worker) noexcept { return worker + 1; }

 private:
  explicit Eal(bool huge) : huge_(huge), running_(true) {}
  bool huge_;
  bool running_;
};

// The last thing DPDK logged at level error or warning since `forget_log`, without line end; may be empty.
std::string last_log();
void forget_log();
// Such as "22.11.11".
std::string dpdk_version();

// The arguments for rte_eal_init, pure: what `start` passes. `cpus` are those this process may run on, ascending;
// `huge` whether huge pages are used.
Result<std::vector<std::string>> eal_arguments(const EalPlan& plan, const std::vector<unsigned>& cpus, bool huge);

}  // namespace sluice::io
