// In place of dpdk.cc where there is no DPDK to build with.
#include "bench/maps/peer.h"

namespace sluice::bench {

Result<void> start_dpdk() { return Error{ErrorCode::kEnvironment, "this build has none"}; }
std::vector<std::unique_ptr<Peer>> make_dpdk(Table /*table*/) { return {}; }

}  // namespace sluice::bench
