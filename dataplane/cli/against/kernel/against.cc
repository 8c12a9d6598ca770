#include "dataplane/cli/against/against.h"
#include "dataplane/kernel/timing.h"

namespace sluice::cli {
namespace {

class KernelPeer : public Peer {
 public:
  explicit KernelPeer(kernel::ProgramTimer timer) : timer_(std::move(timer)) {}
  Result<PeerTime> measure(std::span<const std::vector<std::byte>> frames, double seconds) override {
    const auto time = timer_.measure(frames, seconds);
    if (!time) return time.error();
    return PeerTime{.ns = time->ns, .call_ns = time->call_ns};
  }

 private:
  kernel::ProgramTimer timer_;
};

}  // namespace

Result<std::unique_ptr<Peer>> kernel_peer(const vm::VerifiedProgram& program) {
  auto timer = kernel::ProgramTimer::make(program);
  if (!timer) return std::move(timer).error();
  return std::unique_ptr<Peer>(std::make_unique<KernelPeer>(std::move(*timer)));
}

}  // namespace sluice::cli
