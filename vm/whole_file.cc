#include "vm/whole_file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>

namespace sluice::vm {

Result<std::vector<std::byte>> read_whole_file(const std::string& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  // A directory opens and has a size; a pipe would be waited for.
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    return Error{ErrorCode::kEnvironment, "not a regular file"};
  }
  std::ifstream stream(path, std::ios::binary | std::ios::ate);
  const std::streamoff size = stream ? static_cast<std::streamoff>(stream.tellg()) : -1;
  if (size < 0) return Error{ErrorCode::kEnvironment, std::strerror(errno)};
  if (static_cast<std::size_t>(size) > kMaxFileBytes) {
    return Error{ErrorCode::kProgram, fmt::format("{} bytes, expected at most {}", size, kMaxFileBytes)};
  }
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  stream.seekg(0);
  if (!stream.read(reinterpret_cast<char*>(bytes.data()), size))
    return Error{ErrorCode::kEnvironment, "cannot be read"};
  return bytes;
}

}  // namespace sluice::vm
