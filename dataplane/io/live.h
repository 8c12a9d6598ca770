#pragma once
// The live switch: a pipeline on real ports, from EAL to the last counter. Main thread; workers run between `start` and
// `stop`. Once a process (EAL allows no more).
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "dataplane/config/config.h"
#include "dataplane/io/port.h"
#include "dataplane/pipeline/pipeline.h"
#include "dataplane/pipeline/stats.h"

namespace sluice::io {

// Workers a configuration asks for: `count`, else one a core, else one for every CPU but the main one. At least 1.
unsigned worker_count(const config::Workers& workers);

struct PortReport {
  std::string driver;
  bool down = false;
  DeviceCounters device;
};

struct LiveReport {
  pipeline::Stats stats;           // of all workers
  std::vector<PortReport> ports;   // by index into Pipeline::ports()
  std::uint32_t lost_buffers = 0;  // mbufs that did not come back to their pools: always 0
};

class Live {
 public:
  // `config` and `pipeline` outlive it; the pipeline was loaded for worker_count(config.workers) CPUs. All or nothing.
  static Result<std::unique_ptr<Live>> start(const config::Config& config, const pipeline::Pipeline& pipeline);
  ~Live();
  Live(const Live&) = delete;
  Live& operator=(const Live&) = delete;

  // Names of ports whose device is gone since the last call. To be called now and then while it runs.
  std::vector<std::string> watch();
  // Workers finish what they hold; devices stop. The report is final and complete. Call once.
  LiveReport stop();

  // One line: workers, memory, ports with their drivers and queues.
  [[nodiscard]] std::string summary() const;

 private:
  struct Parts;
  explicit Live(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice::io
