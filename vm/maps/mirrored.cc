#include "vm/maps/mirrored.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>

namespace sluice::vm {
namespace {

// Null: not to be had.
std::byte* map_twice(std::size_t bytes, const char* name) {
  const int file = memfd_create(name, MFD_CLOEXEC);
  if (file < 0) return nullptr;
  void* start = MAP_FAILED;
  if (ftruncate(file, static_cast<off_t>(bytes)) == 0) {
    start = mmap(nullptr, 2 * bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  }
  bool good = start != MAP_FAILED;
  for (std::size_t half = 0; good && half < 2; ++half) {
    void* const at = static_cast<std::byte*>(start) + half * bytes;
    good = mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) != MAP_FAILED;
  }
  close(file);
  if (good) return static_cast<std::byte*>(start);
  if (start != MAP_FAILED) munmap(start, 2 * bytes);
  return nullptr;
}

}  // namespace

Result<MirroredMemory> MirroredMemory::make(std::size_t bytes, const char* name) {
  std::byte* const data = map_twice(bytes, name);
  if (data != nullptr) return MirroredMemory(data, bytes);
  return Error{ErrorCode::kEnvironment, fmt::format("cannot map {} bytes of a {}: {}", bytes, name, strerror(errno))};
}

MirroredMemory::MirroredMemory(MirroredMemory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(other.bytes_) {}

MirroredMemory::~MirroredMemory() {
  if (data_ != nullptr) munmap(data_, 2 * bytes_);
}

}  // namespace sluice::vm
