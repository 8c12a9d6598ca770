#include "vm/tail_section.h"

#include <charconv>

namespace sluice::vm {

std::optional<std::uint32_t> c_number(std::string_view text) noexcept {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text[0] == '0') {
    base = 8;
  }
  std::uint32_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<TailSection> tail_section(std::string_view name) noexcept {
  const std::size_t slash = name.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto id = c_number(name.substr(0, slash));
  const auto key = c_number(name.substr(slash + 1));
  if (!id || !key) return std::nullopt;
  return TailSection{*id, *key};
}

}  // namespace sluice::vm
