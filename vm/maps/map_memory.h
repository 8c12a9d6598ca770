#pragma once
// Memory of one map: zeroed, reserved as a whole, backed by pages only as they are touched, by huge ones where it is
// large. Page aligned. Move-only; nobody may use the memory when its MapMemory dies.
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/result.h"

namespace sluice::vm {

class MapMemory {
 public:
  // `bytes` may be any number; what the machine cannot address is a kEnvironment error.
  static Result<MapMemory> reserve(std::uint64_t bytes);
  MapMemory(MapMemory&& other) noexcept
      : start_(std::exchange(other.start_, nullptr)),
        bytes_(std::exchange(other.bytes_, 0)),
        taken_(std::exchange(other.taken_, 0)) {}
  MapMemory& operator=(MapMemory&&) = delete;
  ~MapMemory();

  // Hands out the next `bytes`, 128-byte aligned. The caller reserved `padded` bytes for each call.
  std::uint8_t* take(std::uint64_t bytes) noexcept;
  static constexpr std::uint64_t padded(std::uint64_t bytes) noexcept { return (bytes + 127) & ~std::uint64_t{127}; }

 private:
  MapMemory(std::uint8_t* start, std::uint64_t bytes) noexcept : start_(start), bytes_(bytes) {}
  std::uint8_t* start_ = nullptr;
  std::uint64_t bytes_ = 0;
  std::uint64_t taken_ = 0;
};

}  // namespace sluice::vm
