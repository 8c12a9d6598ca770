// What is printed: for the trace, and into memory of the program's.
#include <array>
#include <cerrno>
#include <cstring>

#include "helpers/format.h"
#include "helpers/functions.h"

namespace sluice::helpers {
namespace {

constexpr std::size_t kLineBytes = 1024;  // longer lines are cut, as in the kernel
using Arguments = std::array<Arg, kMostFormatArguments>;

Arg trace(const char* format, Arg size, std::span<const Arg> arguments, vm::ExecEnv& env) {
  if (std::memchr(format, 0, static_cast<std::uint32_t>(size)) == nullptr) return failed(-EINVAL);
  std::array<char, kLineBytes> bytes;
  Line line(bytes);
  if (!print(line, format, arguments, env)) return failed(-EINVAL);
  if (env.trace != nullptr) env.trace->line(line.text());
  return line.length();
}

// The `size` bytes of arguments at `from`, copied: what is printed may lie over them. False when they cannot be such.
bool copy_arguments(Arg from, Arg size, Arguments& to, std::span<const Arg>& arguments) {
  const auto bytes = static_cast<std::uint32_t>(size);
  if (bytes % 8 != 0 || bytes > sizeof to || (bytes != 0 && from == 0)) return false;
  if (bytes != 0) std::memcpy(to.data(), reinterpret_cast<const void*>(from), bytes);
  arguments = {to.data(), bytes / 8};
  return true;
}

}  // namespace

Arg trace_printk(Arg format, Arg size, Arg a, Arg b, Arg c, vm::ExecEnv& env) noexcept {
  const std::array<Arg, 3> arguments{a, b, c};
  return trace(reinterpret_cast<const char*>(format), size, arguments, env);
}

Arg trace_vprintk(Arg format, Arg size, Arg data, Arg data_size, Arg, vm::ExecEnv& env) noexcept {
  Arguments copy;
  std::span<const Arg> arguments;
  if (!copy_arguments(data, data_size, copy, arguments)) return failed(-EINVAL);
  return trace(reinterpret_cast<const char*>(format), size, arguments, env);
}

Arg snprintf(Arg to, Arg size, Arg format, Arg data, Arg data_size, vm::ExecEnv& env) noexcept {
  Arguments copy;
  std::span<const Arg> arguments;
  if (!copy_arguments(data, data_size, copy, arguments)) return failed(-EINVAL);
  Line line({reinterpret_cast<char*>(to), static_cast<std::uint32_t>(size)});
  if (!print(line, reinterpret_cast<const char*>(format), arguments, env)) return failed(-EINVAL);
  return line.length() + 1;
}

}  // namespace sluice::helpers
