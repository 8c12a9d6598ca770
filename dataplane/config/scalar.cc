#include "dataplane/config/scalar.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace sluice::config {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool all_digits(std::string_view s) { return !s.empty() && std::ranges::all_of(s, is_digit); }

// Shortens hostile text for a message.
std::string shown(std::string_view s) {
  constexpr std::size_t kLongest = 60;
  return s.size() <= kLongest ? std::string(s) : std::string(s.substr(0, kLongest)) + "...";
}

bool is_one_of(std::string_view s, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, s) != words.end();
}

// What YAML 1.1 or 1.2 readers take for a number: integers in any base, with sign or underscores, and floats.
bool looks_like_number(std::string_view s) {
  if (s.starts_with('+') || s.starts_with('-')) s.remove_prefix(1);
  if (s.starts_with("0x") || s.starts_with("0o") || s.starts_with("0b")) {
    s.remove_prefix(2);
    return !s.empty() && std::ranges::all_of(s, [](char c) {
      return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == '_';
    });
  }
  if (is_one_of(s, {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"})) return true;
  if (s.empty() || (!is_digit(s[0]) && !(s[0] == '.' && s.size() > 1 && is_digit(s[1])))) return false;
  const std::size_t exponent = s.find_first_of("eE");
  if (exponent != std::string_view::npos) {
    std::string_view power = s.substr(exponent + 1);
    if (power.starts_with('+') || power.starts_with('-')) power.remove_prefix(1);
    if (!all_digits(power)) return false;
    s = s.substr(0, exponent);
  }
  return std::ranges::all_of(s, [](char c) { return is_digit(c) || c == '.' || c == '_'; }) &&
         std::ranges::count(s, '.') <= 1;
}

std::optional<std::uint64_t> parse_u64(std::string_view digits, int base) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

// What to write instead of a number with leading zeros.
std::string leading_zero_hint(std::string_view s) {
  const std::string_view decimal = s.substr(std::min(s.find_first_not_of('0'), s.size() - 1));
  std::string out = fmt::format("'{}' has leading zeros, which some read as octal; write {}", shown(s), shown(decimal));
  if (const auto octal = parse_u64(s, 8)) out += fmt::format(", or 0x{:x} if octal was meant", *octal);
  return out;
}

}  // namespace

std::string describe(const Value& value) {
  switch (value.kind) {
    case Value::Kind::kNull: return "nothing";
    case Value::Kind::kSequence: return "a list";
    case Value::Kind::kMapping: return "a mapping";
    case Value::Kind::kScalar: break;
  }
  if (value.quoted) return fmt::format("text \"{}\"", shown(value.scalar));
  if (value.scalar == "true" || value.scalar == "false") return value.scalar;
  if (looks_like_number(value.scalar)) return "number " + shown(value.scalar);
  return fmt::format("'{}'", shown(value.scalar));
}

std::optional<std::uint64_t> whole_number(const Value& value, std::string& why) {
  const std::string_view s = value.scalar;
  if (value.kind == Value::Kind::kScalar && !value.quoted) {
    if (s.starts_with("0x") && s.size() > 2) {
      if (const auto number = parse_u64(s.substr(2), 16)) return number;
    } else if (all_digits(s)) {
      if (s.size() > 1 && s[0] == '0') {
        why = leading_zero_hint(s);
        return std::nullopt;
      }
      if (const auto number = parse_u64(s, 10)) return number;
      why = fmt::format("{} is larger than any number here", shown(s));
      return std::nullopt;
    }
  }
  why = fmt::format("expected a whole number, got {}", describe(value));
  if (s.find("${") != std::string_view::npos) why += "; variables are for text only";
  if (value.quoted && (all_digits(s) || s.starts_with("0x"))) why += "; take the quotes away";
  return std::nullopt;
}

std::optional<bool> boolean(const Value& value, std::string& why) {
  if (value.kind == Value::Kind::kScalar && !value.quoted) {
    if (value.scalar == "true") return true;
    if (value.scalar == "false") return false;
  }
  why = fmt::format("expected true or false, got {}", describe(value));
  std::string lower = value.scalar;
  std::ranges::transform(lower, lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  if (is_one_of(lower, {"yes", "on", "y", "true", "1"})) why += "; did you mean 'true'?";
  if (is_one_of(lower, {"no", "off", "n", "false", "0"})) why += "; did you mean 'false'?";
  return std::nullopt;
}

std::optional<std::string> text(const Value& value, std::string& why) {
  const bool other = value.scalar == "true" || value.scalar == "false" || looks_like_number(value.scalar);
  if (value.kind == Value::Kind::kScalar && (value.quoted || !other)) return value.scalar;
  why = fmt::format("expected text, got {}", describe(value));
  if (value.kind == Value::Kind::kScalar) why += "; put it in quotes";
  return std::nullopt;
}

std::optional<std::array<std::uint8_t, 6>> mac_address(std::string_view text) {
  constexpr std::size_t kLength = 17;
  if (text.size() != kLength) return std::nullopt;
  std::array<std::uint8_t, 6> out{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto byte = parse_u64(text.substr(i * 3, 2), 16);
    if (!byte || (i + 1 < out.size() && text[i * 3 + 2] != ':')) return std::nullopt;
    out[i] = static_cast<std::uint8_t>(*byte);
  }
  return out;
}

std::optional<IpAddress> ip_address(std::string_view text) {
  const std::string copy(text);
  if (copy.find('\0') != std::string::npos) return std::nullopt;
  IpAddress out;
  out.is_ipv6 = copy.find(':') != std::string::npos;
  if (inet_pton(out.is_ipv6 ? AF_INET6 : AF_INET, copy.c_str(), out.bytes.data()) != 1) return std::nullopt;
  return out;
}

std::optional<std::uint64_t> byte_size(std::string_view text) {
  unsigned shift = 0;
  if (text.ends_with('K')) shift = 10;
  if (text.ends_with('M')) shift = 20;
  if (text.ends_with('G')) shift = 30;
  if (shift != 0) text.remove_suffix(1);
  if (!all_digits(text) || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  const auto number = parse_u64(text, 10);
  if (!number || *number > (UINT64_MAX >> shift)) return std::nullopt;
  return *number << shift;
}

std::optional<std::vector<unsigned>> core_list(std::string_view text, std::string& why) {
  constexpr std::uint64_t kHighest = 1023;
  std::vector<unsigned> out;
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    const std::size_t dash = part.find('-');
    const std::string_view low_text = part.substr(0, dash);
    const std::string_view high_text = dash == std::string_view::npos ? low_text : part.substr(dash + 1);
    const std::uint64_t low = all_digits(low_text) ? parse_u64(low_text, 10).value_or(UINT64_MAX) : UINT64_MAX;
    const std::uint64_t high = all_digits(high_text) ? parse_u64(high_text, 10).value_or(UINT64_MAX) : UINT64_MAX;
    if (low > high || high > kHighest) {
      why = fmt::format("'{}' is no core or range of cores 0..{}, such as 2-5,7", shown(part), kHighest);
      return std::nullopt;
    }
    for (auto core = static_cast<unsigned>(low); core <= high; ++core) {
      if (std::ranges::find(out, core) != out.end()) {
        why = fmt::format("core {} is named twice", core);
        return std::nullopt;
      }
      out.push_back(core);
    }
    if (comma == std::string_view::npos) return out;
    text.remove_prefix(comma + 1);
  }
}

std::optional<std::string> substitute(std::string_view text, const Environment& environment, std::string& why) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (text.substr(at).starts_with("$$")) {
      out += '$';
      at += 2;
      continue;
    }
    if (!text.substr(at).starts_with("${")) {
      out += text[at++];
      continue;
    }
    const std::size_t end = text.find('}', at);
    if (end == std::string_view::npos) {
      why = "'${' without its '}'; write '$$' for a dollar sign";
      return std::nullopt;
    }
    const std::string_view inside = text.substr(at + 2, end - at - 2);
    const std::size_t split = inside.find(":-");
    const std::string name(inside.substr(0, split));
    const bool is_name = !name.empty() && !is_digit(name[0]) && std::ranges::all_of(name, [](char c) {
      return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    });
    if (!is_name) {
      why = fmt::format("'${{{}}}' is no variable; write ${{NAME}} or ${{NAME:-default}}", shown(inside));
      return std::nullopt;
    }
    const auto found = environment.find(name);
    if (found != environment.end() && (!found->second.empty() || split == std::string_view::npos)) {
      out += found->second;
    } else if (split != std::string_view::npos) {
      out += inside.substr(split + 2);
    } else {
      why = fmt::format("variable {} is not set; ${{{}:-default}} gives it a default", shown(name), shown(name));
      return std::nullopt;
    }
    at = end + 1;
  }
  return out;
}

}  // namespace sluice::config
