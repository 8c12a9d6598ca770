#pragma once
// One generation of the switch: ports, stages (named programs ready to run), how they are chained, and their maps.
// Made whole by the loader, constant afterwards: any thread. Whoever runs frames through it must be done before it
// dies; prog arrays and devmaps point to its stages.
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/pipeline/fib.h"
#include "dataplane/pipeline/runner.h"
#include "dataplane/pipeline/sockets.h"
#include "vm/btf.h"
#include "vm/maps/map.h"
#include "vm/timers.h"

namespace sluice::pipeline {

constexpr std::int32_t kNone = -1;

struct Port {
  std::string name;
  std::uint32_t ifindex = 0;     // not 0, unique
  std::uint32_t mtu = 1500;      // bytes of the largest IP packet
  std::int32_t ingress = kNone;  // index into chains()
  std::int32_t egress = kNone;
};

// A `programs:` entry that some chain or devmap entry uses. Its index is what shows up in XdpContext::path.
struct Stage {
  std::string name;
  Runner runner;
  vm::ProgramSlot slot;  // what prog arrays and devmaps point to
};

constexpr std::size_t kMaxLinks = 10;  // of a chain, as libxdp's dispatcher
// A program of a `chain:`.
struct Link {
  std::uint16_t stage = 0;        // index into stages()
  std::uint32_t continue_on = 0;  // bit v: after verdict v the next link runs

  // Of what the program returned, as libxdp's dispatcher takes it: a shift by its lowest five bits.
  [[nodiscard]] bool goes_on(std::uint32_t raw) const noexcept { return (continue_on >> (raw & 31U) & 1U) != 0; }
};

// A `pipelines:` entry.
struct Chain {
  std::string name;
  std::uint16_t entry = 0;       // index into stages()
  std::int32_t on_pass = kNone;  // index into ports(), kNone = drop
  std::vector<Link> links;       // of a `chain:`, `entry` the first; empty otherwise
};

// A map instance; objects that share it are listed once.
struct NamedMap {
  std::string name;
  std::vector<std::string> objects;  // paths
  std::shared_ptr<vm::Map> map;
  std::shared_ptr<const vm::Btf> btf;  // of the first object, for the types in the spec; null without BTF
  bool reader = true;                  // PERF_EVENT_ARRAY and RINGBUF: somebody reads what programs write there
};

class Pipeline {
 public:
  struct Parts {
    std::vector<Port> ports;
    std::vector<std::unique_ptr<Stage>> stages;
    std::vector<Chain> chains;
    std::vector<NamedMap> maps;
    std::unique_ptr<const FibTables> fib;        // null: programs know of no port but the one a frame came in by
    std::unique_ptr<const vm::Sockets> sockets;  // null: look-ups find none
  };
  // Indices inside `parts` must be valid.
  explicit Pipeline(Parts parts);

  [[nodiscard]] std::span<const Port> ports() const noexcept { return parts_.ports; }
  [[nodiscard]] std::size_t stages() const noexcept { return parts_.stages.size(); }
  [[nodiscard]] const Stage& stage(std::size_t index) const noexcept { return *parts_.stages[index]; }
  [[nodiscard]] std::span<const Chain> chains() const noexcept { return parts_.chains; }
  [[nodiscard]] std::span<const NamedMap> maps() const noexcept { return parts_.maps; }

  [[nodiscard]] const vm::Fib* fib() const noexcept { return parts_.fib.get(); }
  [[nodiscard]] const vm::Sockets* sockets() const noexcept { return parts_.sockets.get(); }

  // The port with this ifindex, or kNone. Data path: the number came from a program.
  [[nodiscard]] std::int32_t port_of(std::uint32_t ifindex) const noexcept;
  // The port called `name`, or kNone.
  [[nodiscard]] std::int32_t port_named(std::string_view name) const noexcept;
  // Whether all programs that frames of this chain enter first handle multi-buffer frames.
  [[nodiscard]] bool takes_frags(std::size_t chain) const noexcept;
  // What timers refer to, for the workers' vm::Timers; null when no map has timers.
  [[nodiscard]] vm::TimerRegistry* timers() const noexcept { return timers_.get(); }
  // Some stage asks for the time or has timers: frames with different time stamps must not share a burst in replay.
  [[nodiscard]] bool reads_clock() const noexcept { return reads_clock_; }

 private:
  Parts parts_;
  std::unique_ptr<vm::TimerRegistry> timers_;
  std::vector<std::int16_t> low_ifindex_;                             // ifindex -> port, for the usual small numbers
  std::vector<std::pair<std::uint32_t, std::int32_t>> high_ifindex_;  // the others, ascending
  bool reads_clock_ = false;
};

}  // namespace sluice::pipeline
