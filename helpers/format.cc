#include "helpers/format.h"

#include <array>
#include <charconv>
#include <cstring>

#include "vm/print_format.h"
#include "vm/xdp.h"

namespace sluice::helpers {
namespace {

using vm::Conversion;

// `digits` behind `sign`, filled up to the width.
void pad(Line& line, const Conversion& how, std::string_view sign, std::string_view digits, bool zeroes) {
  const std::size_t length = sign.size() + digits.size();
  const std::size_t fill = how.width > length ? how.width - length : 0;
  const bool zero = zeroes && how.zero && !how.minus;
  if (!how.minus && !zero) {
    for (std::size_t i = 0; i < fill; ++i) line.put(' ');
  }
  line.put(sign);
  if (zero) {
    for (std::size_t i = 0; i < fill; ++i) line.put('0');
  }
  line.put(digits);
  if (how.minus) {
    for (std::size_t i = 0; i < fill; ++i) line.put(' ');
  }
}

void put_number(Line& line, const Conversion& how, Arg value) {
  const bool is_signed = how.what == Conversion::What::kDecimal;
  const bool hex = how.what == Conversion::What::kHex || how.what == Conversion::What::kHexUpper;
  if (!how.is_long) {
    value = is_signed ? static_cast<Arg>(std::int64_t{static_cast<std::int32_t>(value)}) : value & 0xffffffff;
  }
  std::string_view sign;
  if (is_signed && static_cast<std::int64_t>(value) < 0) {
    sign = "-";
    value = Arg{0} - value;
  } else if (is_signed && (how.plus || how.space)) {
    sign = how.plus ? "+" : " ";
  }
  std::array<char, 24> digits{};
  char* const end = std::to_chars(digits.begin(), digits.end(), value, hex ? 16 : 10).ptr;
  if (how.what == Conversion::What::kHexUpper) {
    for (char* c = digits.begin(); c != end; ++c) *c = *c >= 'a' ? static_cast<char>(*c - 'a' + 'A') : *c;
  }
  pad(line, how, sign, {digits.data(), static_cast<std::size_t>(end - digits.data())}, true);
}

void put_group(Line& line, unsigned value, bool leading, int base) {
  std::array<char, 8> digits{};
  char* const end = std::to_chars(digits.begin(), digits.end(), value, base).ptr;
  const auto length = static_cast<std::size_t>(end - digits.data());
  const std::size_t full = base == 16 ? 4 : 3;
  for (std::size_t i = length; leading && i < full; ++i) line.put('0');
  line.put({digits.data(), length});
}

// %pI6: groups as they are; RFC 5952's short form is %pI6c, which is refused.
void put_ip(Line& line, const Conversion& how, Arg address, const vm::ExecEnv& env) {
  std::array<unsigned char, 16> ip{};
  const std::size_t bytes = how.version == '4' ? 4 : 16;
  const std::string_view memory = frame_bytes(address, env);
  if (memory.size() >= bytes) std::memcpy(ip.data(), memory.data(), bytes);
  if (how.version == '4') {
    for (std::size_t i = 0; i < 4; ++i) {
      if (i != 0) line.put('.');
      put_group(line, ip[i], how.ip == 'i', 10);
    }
    return;
  }
  for (std::size_t i = 0; i < 16; i += 2) {
    if (i != 0 && how.ip == 'I') line.put(':');
    put_group(line, ip[i] * 256U + ip[i + 1], true, 16);
  }
}

void put_pointer(Line& line, Conversion how, Arg value) {
  how.what = Conversion::What::kHex;
  how.is_long = true;
  how.zero = true;
  how.width = std::max(how.width, 16U);
  put_number(line, how, value);
}

void put_argument(Line& line, const Conversion& how, Arg value, const vm::ExecEnv& env) {
  switch (how.what) {
    case Conversion::What::kDecimal:
    case Conversion::What::kUnsigned:
    case Conversion::What::kHex:
    case Conversion::What::kHexUpper: return put_number(line, how, value);
    case Conversion::What::kCharacter: {
      const char c = static_cast<char>(value);
      return pad(line, how, {}, {&c, 1}, false);
    }
    case Conversion::What::kString: {
      const std::string_view memory = frame_bytes(value, env);
      return pad(line, how, {}, memory.substr(0, memory.find('\0')), false);
    }
    case Conversion::What::kPointer: return put_pointer(line, how, value);
    case Conversion::What::kIp: return put_ip(line, how, value, env);
  }
}

}  // namespace

std::string_view frame_bytes(Arg address, const vm::ExecEnv& env) noexcept {
  if (env.frame == nullptr) return {};
  const auto start = reinterpret_cast<Arg>(env.frame->data_meta);
  const auto end = reinterpret_cast<Arg>(env.frame->data_end);
  if (address < start || address >= end) return {};
  return {reinterpret_cast<const char*>(address), static_cast<std::size_t>(end - address)};
}

bool print(Line& line, const char* format, std::span<const Arg> arguments, const vm::ExecEnv& env) noexcept {
  std::size_t used = 0;
  while (*format != 0) {
    if (!vm::is_format_text(*format)) return false;
    if (*format != '%' || format[1] == '%') {
      line.put(*format);
      format += *format == '%' ? 2 : 1;
      continue;
    }
    if (used == arguments.size()) return false;
    const auto how = vm::next_conversion(format);
    if (!how) return false;
    put_argument(line, *how, arguments[used++], env);
  }
  line.end();
  return true;
}

}  // namespace sluice::helpers
