#pragma once
// Files that are read as a whole. Control path.
#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"

namespace sluice::vm {

constexpr std::size_t kMaxFileBytes = std::size_t{64} << 20;

// The bytes of a regular file; messages do not name it. kEnvironment when it cannot be read, kProgram when it has more
// than kMaxFileBytes.
Result<std::vector<std::byte>> read_whole_file(const std::string& path);

}  // namespace sluice::vm
