#include "vm/print_format.h"

#include <algorithm>
#include <string_view>

namespace sluice::vm {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_print(char c) { return c >= ' ' && c <= '~'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }
// Spaces and signs of Latin-1, which is how the kernel reads single bytes.
bool is_latin_sign(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= 0xa0 && byte <= 0xbf) || byte == 0xd7 || byte == 0xf7;
}
// May stand behind %s and %p.
bool ends_word(char c) { return c == 0 || is_space(c) || is_latin_sign(c) || (is_print(c) && !is_alnum(c)); }

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

}  // namespace

// Any UTF-8, but of ASCII no control character that is no space.
bool is_format_text(char c) noexcept { return !is_ascii(c) || is_print(c) || is_space(c); }

std::optional<Conversion> next_conversion(const char*& at) noexcept {
  Conversion found{};
  Parser parser(at + 1);
  if (!parser.parse(found)) return std::nullopt;
  at = parser.at();
  return found;
}

bool format_fits(const char* format, std::size_t arguments) noexcept {
  std::size_t used = 0;
  while (*format != 0) {
    if (!is_format_text(*format)) return false;
    if (*format != '%' || format[1] == '%') {
      format += *format == '%' ? 2 : 1;
    } else if (used++ == arguments || !next_conversion(format)) {
      return false;
    }
  }
  return true;
}

}  // namespace sluice::vm
