#include "vm/maps/map_memory.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/check.h"

namespace sluice::vm {

Result<MapMemory> MapMemory::reserve(std::uint64_t bytes) {
  if (bytes == 0) bytes = 1;
  void* start = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) {
    return Error{ErrorCode::kEnvironment,
                 fmt::format("cannot reserve {} bytes of address space: {}", bytes, std::strerror(errno))};
  }
  return MapMemory(static_cast<std::uint8_t*>(start), bytes);
}

MapMemory::~MapMemory() {
  if (start_ != nullptr) munmap(start_, bytes_);
}

std::uint8_t* MapMemory::take(std::uint64_t bytes) noexcept {
  std::uint8_t* const piece = start_ + taken_;
  taken_ += padded(bytes);
  SLUICE_CHECK(taken_ <= padded(bytes_));
  return piece;
}

}  // namespace sluice::vm
