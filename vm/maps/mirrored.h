#pragma once
// Memory that appears twice in a row in the address space: what runs over the end of the first half goes on at its
// start, so that no record of a ring is in two pieces. Control path.
#include <cstddef>

#include "base/result.h"

namespace sluice::vm {

class MirroredMemory {
 public:
  // `bytes` of zeroed memory, whole pages. `name` is for /proc/PID/maps.
  static Result<MirroredMemory> make(std::size_t bytes, const char* name);
  MirroredMemory(MirroredMemory&& other) noexcept;
  MirroredMemory& operator=(MirroredMemory&&) = delete;
  ~MirroredMemory();

  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_; }  // of one half

 private:
  MirroredMemory(std::byte* data, std::size_t bytes) noexcept : data_(data), bytes_(bytes) {}
  std::byte* data_;  // null = moved from
  std::size_t bytes_;
};

}  // namespace sluice::vm
