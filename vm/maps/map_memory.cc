#include "vm/maps/map_memory.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/check.h"

namespace sluice::vm {

namespace {

constexpr std::uint64_t kHugePage = std::uint64_t{2} << 20;
// Smaller maps stay in ordinary pages: caches and the TLB hold what is used of them, and pages not touched are not
// there.
constexpr std::uint64_t kLeastHuge = 4 * kHugePage;

}  // namespace

Result<MapMemory> MapMemory::reserve(std::uint64_t bytes) {
  if (bytes == 0) bytes = 1;
  const bool huge = bytes >= kLeastHuge && bytes <= UINT64_MAX - kHugePage;
  const std::uint64_t asked = huge ? bytes + kHugePage : bytes;
  void* start = mmap(nullptr, asked, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) {
    return Error{ErrorCode::kEnvironment,
                 fmt::format("cannot reserve {} bytes of address space: {}", bytes, std::strerror(errno))};
  }
  MapMemory memory(static_cast<std::uint8_t*>(start), asked);
  if (huge) {
    // Look-ups all over a large map miss the TLB otherwise. Advice: a kernel without huge pages does without.
    madvise(start, asked, MADV_HUGEPAGE);
    memory.taken_ = -reinterpret_cast<std::uintptr_t>(start) % kHugePage;
  }
  return memory;
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
