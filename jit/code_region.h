#pragma once
// Memory for machine code under W^X: no page is ever writable and executable, nor was one that is executable now ever
// mapped writable at the same time. The code is written through a writable alias of a sealed memory object; the alias
// is gone before the executable mapping appears, so it works under systemd's MemoryDenyWriteExecute. DESIGN, threat
// model. Control path, one thread an object; the published bytes are constant: any thread.
#include <cstddef>
#include <memory>
#include <span>

#include "base/result.h"

namespace sluice::jit {

class CodeRegion {
 public:
  // Takes `bytes` of address space without access, within reach of near calls from and to `anchor` when there is room.
  // Fails with kEnvironment.
  static Result<std::unique_ptr<CodeRegion>> reserve(std::size_t bytes, const void* anchor);
  CodeRegion(const CodeRegion&) = delete;
  CodeRegion& operator=(const CodeRegion&) = delete;
  ~CodeRegion();

  // Where the first byte of code will stand: page aligned.
  [[nodiscard]] const std::byte* base() const noexcept { return base_; }
  // Makes `code` readable and executable at base(). At most the bytes reserved; once.
  Result<void> publish(std::span<const std::byte> code);
  // What was published; empty before.
  [[nodiscard]] std::span<const std::byte> code() const noexcept { return {base_, used_}; }

 private:
  CodeRegion(std::byte* base, std::size_t mapped) : base_(base), mapped_(mapped) {}
  std::byte* base_;
  std::size_t mapped_;  // bytes, whole pages
  std::size_t used_ = 0;
};

}  // namespace sluice::jit
