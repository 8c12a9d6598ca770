#pragma once
// Printing by a format of the kernel's (vm/print_format.h). A conversion that reads memory (%s, %pks, %pus, %pI4, %pi4,
// %pI6, %pi6) reads only bytes of the current frame: the environment knows no other memory that is the program's own.
// What lies elsewhere prints as unreadable memory does in the kernel: an empty string, a zero address. Data path.
#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>

#include "helpers/functions.h"

namespace sluice::helpers {

constexpr std::size_t kMostFormatArguments = 12;  // MAX_BPRINTF_VARARGS, linux/bpf.h

// Text in bytes of the caller's, with a zero behind it when there is any room; counts what did not fit.
class Line {
 public:
  explicit Line(std::span<char> bytes) : bytes_(bytes) {}
  void put(char c) noexcept {
    if (length_ + 1 < bytes_.size()) bytes_[length_] = c;
    ++length_;
  }
  void put(std::string_view text) noexcept {
    for (const char c : text) put(c);
  }
  void end() noexcept {
    if (!bytes_.empty()) bytes_[std::min(length_, bytes_.size() - 1)] = 0;
  }
  [[nodiscard]] std::size_t length() const noexcept { return length_; }
  [[nodiscard]] std::string_view text() const noexcept { return {bytes_.data(), std::min(length_, bytes_.size() - 1)}; }

 private:
  std::span<char> bytes_;
  std::size_t length_ = 0;
};

// Prints `format`, which ends with a zero byte; false when it is refused or has more conversions than arguments.
bool print(Line& line, const char* format, std::span<const Arg> arguments, const vm::ExecEnv& env) noexcept;

// The bytes from `address` to the end of the frame's memory; empty when the address is not in it.
std::string_view frame_bytes(Arg address, const vm::ExecEnv& env) noexcept;

}  // namespace sluice::helpers
