#pragma once
// What `sluice bench --against kernel` needs of the running kernel. Two implementations: the folder is the switch, as
// dataplane/kernel is optional at build. Control path, one thread.
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "vm/program.h"

namespace sluice::cli {

struct PeerTime {
  double ns = 0;       // a frame, the call of the program included
  double call_ns = 0;  // of it what a call costs that does nothing; 0 = unknown
};

class Peer {
 public:
  virtual ~Peer() = default;
  virtual Result<PeerTime> measure(std::span<const std::vector<std::byte>> frames, double seconds) = 0;
};

// The program with its maps and what its tail calls reach. kEnvironment when the kernel may not be asked.
Result<std::unique_ptr<Peer>> kernel_peer(const vm::VerifiedProgram& program);

}  // namespace sluice::cli
