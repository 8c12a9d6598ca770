// bpf_trace_printk: the kernel's subset of printf. A conversion that reads memory (%s, %pks, %pus, %pI4, %pi4, %pI6,
// %pi6) reads only bytes of the current frame: the environment knows no other memory that is the program's own. What
// lies elsewhere prints as unreadable memory does in the kernel: an empty string, a zero address.
#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>

#include "helpers/functions.h"
#include "vm/xdp.h"

namespace sluice::helpers {
namespace {

constexpr std::size_t kLineBytes = 1024;  // longer lines are cut, as in the kernel
constexpr unsigned kArguments = 3;

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_print(char c) { return c >= ' ' && c <= '~'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }
// May stand outside conversions: any UTF-8, but of ASCII no control character that is no space.
bool is_text(char c) { return !is_ascii(c) || is_print(c) || is_space(c); }
// Spaces and signs of Latin-1, which is how the kernel reads single bytes.
bool is_latin_sign(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= 0xa0 && byte <= 0xbf) || byte == 0xd7 || byte == 0xf7;
}
// May stand behind %s and %p.
bool ends_word(char c) { return c == 0 || is_space(c) || is_latin_sign(c) || (is_print(c) && !is_alnum(c)); }

// Text of bounded length; counts what did not fit.
class Line {
 public:
  void put(char c) noexcept {
    if (length_ + 1 < kLineBytes) text_[length_] = c;
    ++length_;
  }
  void put(std::string_view text) noexcept {
    for (const char c : text) put(c);
  }
  [[nodiscard]] std::size_t length() const noexcept { return length_; }
  [[nodiscard]] std::string_view text() const noexcept { return {text_.data(), std::min(length_, kLineBytes - 1)}; }

 private:
  std::array<char, kLineBytes> text_;
  std::size_t length_ = 0;
};

struct Conversion {
  bool zero = false, plus = false, minus = false, space = false;
  unsigned width = 0;
  enum class What : std::uint8_t { kDecimal, kUnsigned, kHex, kHexUpper, kCharacter, kString, kPointer, kIp } what;
  bool is_long = false;
  char ip = 0;       // 'i' or 'I'
  char version = 0;  // '4' or '6'
};

// Reads a conversion behind its '%'; `at` moves behind it. False when the kernel refuses it.
class Parser {
 public:
  explicit Parser(const char* at) : at_(at) {}
  [[nodiscard]] const char* at() const { return at_; }

  bool parse(Conversion& out) {
    flags(out);
    switch (*at_) {
      case 'p': return pointer(out);
      case 's': ++at_; return word(out, Conversion::What::kString);
      case 'c':
        ++at_;
        out.what = Conversion::What::kCharacter;
        return true;
      default: return number(out);
    }
  }

 private:
  void flags(Conversion& out) {
    for (;; ++at_) {
      if (*at_ == '0') {
        out.zero = true;
      } else if (*at_ == '+') {
        out.plus = true;
      } else if (*at_ == '-') {
        out.minus = true;
      } else if (*at_ == ' ') {
        out.space = true;
      } else {
        break;
      }
    }
    for (; is_digit(*at_); ++at_) out.width = std::min(out.width * 10 + static_cast<unsigned>(*at_ - '0'), 1U << 15);
  }
  bool word(Conversion& out, Conversion::What what) {
    out.what = what;
    return ends_word(*at_);
  }
  bool pointer(Conversion& out) {
    ++at_;
    out.what = Conversion::What::kPointer;
    if (ends_word(*at_)) return true;
    if ((*at_ == 'k' || *at_ == 'u') && at_[1] == 's') {
      at_ += 2;
      return word(out, Conversion::What::kString);
    }
    if (std::string_view("KxsSB").find(*at_) != std::string_view::npos) {
      ++at_;
      return true;
    }
    if ((*at_ != 'i' && *at_ != 'I') || (at_[1] != '4' && at_[1] != '6')) return false;
    out.what = Conversion::What::kIp;
    out.ip = at_[0];
    out.version = at_[1];
    at_ += 2;
    return true;
  }
  bool number(Conversion& out) {
    for (int longs = 0; longs < 2 && *at_ == 'l'; ++longs, ++at_) out.is_long = true;
    switch (*at_++) {
      case 'i':
      case 'd': out.what = Conversion::What::kDecimal; return true;
      case 'u': out.what = Conversion::What::kUnsigned; return true;
      case 'x': out.what = Conversion::What::kHex; return true;
      case 'X': out.what = Conversion::What::kHexUpper; return true;
      default: return false;
    }
  }

  const char* at_;
};

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

// The bytes from `address` to the end of the frame's memory; empty when the address is not in it.
std::string_view frame_bytes(Arg address, const vm::ExecEnv& env) {
  if (env.frame == nullptr) return {};
  const auto start = reinterpret_cast<Arg>(env.frame->data_meta);
  const auto end = reinterpret_cast<Arg>(env.frame->data_end);
  if (address < start || address >= end) return {};
  return {reinterpret_cast<const char*>(address), static_cast<std::size_t>(end - address)};
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

Arg trace_printk(Arg format, Arg size, Arg a, Arg b, Arg c, vm::ExecEnv& env) noexcept {
  const auto* at = reinterpret_cast<const char*>(format);
  if (std::memchr(at, 0, static_cast<std::uint32_t>(size)) == nullptr) return failed(-EINVAL);
  const std::array<Arg, kArguments> arguments{a, b, c};
  unsigned used = 0;
  Line line;
  while (*at != 0) {
    if (!is_text(*at)) return failed(-EINVAL);
    if (*at != '%' || at[1] == '%') {
      line.put(*at);
      at += *at == '%' ? 2 : 1;
      continue;
    }
    Conversion how{};
    Parser parser(at + 1);
    if (used == kArguments || !parser.parse(how)) return failed(-EINVAL);
    put_argument(line, how, arguments[used++], env);
    at = parser.at();
  }
  if (env.trace != nullptr) env.trace->line(line.text());
  return line.length();
}

}  // namespace sluice::helpers
