#pragma once
// Formats of bpf_trace_printk, bpf_trace_vprintk and bpf_snprintf: the kernel's subset of printf. The verifier judges
// constant formats by it, the helpers read formats with it. Pure.
#include <cstddef>
#include <cstdint>
#include <optional>

namespace sluice::vm {

struct Conversion {
  bool zero = false, plus = false, minus = false, space = false;
  unsigned width = 0;
  enum class What : std::uint8_t { kDecimal, kUnsigned, kHex, kHexUpper, kCharacter, kString, kPointer, kIp } what;
  bool is_long = false;
  char ip = 0;       // 'i' or 'I'
  char version = 0;  // '4' or '6'
};

// May stand outside conversions.
bool is_format_text(char c) noexcept;
// The conversion that begins with the '%' at `at`, which moves behind it; nothing when the kernel refuses it. A zero
// byte ends the format.
std::optional<Conversion> next_conversion(const char*& at) noexcept;
// Whether the kernel takes the format, which ends with a zero byte, with so many arguments.
bool format_fits(const char* format, std::size_t arguments) noexcept;

}  // namespace sluice::vm
