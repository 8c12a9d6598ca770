#include "dataplane/cli/against/against.h"

namespace sluice::cli {

Result<std::unique_ptr<Peer>> kernel_peer(const vm::VerifiedProgram&) {
  return Error{ErrorCode::kEnvironment, "this binary was built without the kernel as peer (-Dkernel)"};
}

}  // namespace sluice::cli
