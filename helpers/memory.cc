// Memory that need not be the program's, and text.
#include <cerrno>
#include <cstring>

#include "helpers/format.h"
#include "helpers/functions.h"

namespace sluice::helpers {
namespace {

// The kernel's half of the addresses: canonical, upper bits set. Its page of old system calls is not part of it.
bool is_kernels(Arg address) {
  constexpr Arg kHalf = 0xffff'8000'0000'0000;
  constexpr Arg kVsyscall = 0xffff'ffff'ff60'0000;
  return address >= kHalf && (address & ~Arg{0xfff}) != kVsyscall;
}

}  // namespace

// The frame's bytes, and no others: there is no kernel whose memory could be read, and our own is none of the
// program's business. Elsewhere the answer is what Linux says where nothing is mapped.
Arg probe_read_kernel(Arg to, Arg size, Arg from, Arg, Arg, vm::ExecEnv& env) noexcept {
  const auto bytes = static_cast<std::uint32_t>(size);
  auto* const out = reinterpret_cast<void*>(to);
  const std::string_view memory = frame_bytes(from, env);
  if (!memory.empty() && memory.size() >= bytes) {
    std::memcpy(out, memory.data(), bytes);
    return 0;
  }
  if (bytes != 0) std::memset(out, 0, bytes);
  if (!is_kernels(from)) return failed(-ERANGE);
  return bytes == 0 ? 0 : failed(-EFAULT);
}

Arg strncmp(Arg text, Arg size, Arg other, Arg, Arg, vm::ExecEnv&) noexcept {
  const auto* const a = reinterpret_cast<const unsigned char*>(text);
  const auto* const b = reinterpret_cast<const unsigned char*>(other);
  for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(size); ++i) {
    if (a[i] != b[i]) return failed(a[i] < b[i] ? -1 : 1);
    if (a[i] == 0) break;
  }
  return 0;
}

}  // namespace sluice::helpers
