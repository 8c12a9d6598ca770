#include "vm/elf_kconfig.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <set>
#include <tuple>

#include <fmt/format.h>

namespace sluice::vm {
namespace {

constexpr std::string_view kSection = ".kconfig";
constexpr std::uint32_t kMaxBytes = 1U << 20;  // of all variables

// Letters of a Kconfig option's value and what they are as a number: enum libbpf_tristate, bpf_helpers.h.
struct Letter {
  std::string_view text, synonym;
  std::uint8_t number;
};
constexpr Letter kLetters[] = {{"n", "false", 0}, {"y", "true", 1}, {"m", "m", 2}};

enum class Form : std::uint8_t { kUnknown, kBool, kTristate, kChar, kInteger, kText };

Form form_of(const Btf& btf, std::uint32_t type) {
  const std::uint32_t size = btf.size(type);
  switch (btf.kind(type)) {
    case Btf::Kind::kInt:
      if (btf.is_bool(type)) return size == 1 ? Form::kBool : Form::kUnknown;
      if (size == 1) return Form::kChar;
      return size == 2 || size == 4 || size == 8 ? Form::kInteger : Form::kUnknown;
    case Btf::Kind::kEnum:
      return size == 4 && btf.name(btf.strip(type)) == "libbpf_tristate" ? Form::kTristate : Form::kUnknown;
    case Btf::Kind::kArray: {
      const Btf::Array array = btf.array(type);
      return array.count != 0 && form_of(btf, array.element_type) == Form::kChar ? Form::kText : Form::kUnknown;
    }
    case Btf::Kind::kVoid:
    case Btf::Kind::kPointer:
    case Btf::Kind::kStruct:
    case Btf::Kind::kUnion:
    case Btf::Kind::kForward:
    case Btf::Kind::kFunction:
    case Btf::Kind::kFloat:
    case Btf::Kind::kOther: return Form::kUnknown;
  }
  return Form::kUnknown;
}

// A decimal or 0x number into `bytes`; false when it is none or does not fit.
bool put_number(std::string_view text, bool is_signed, std::span<std::byte> bytes) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  if (hex) text.remove_prefix(2);
  std::uint64_t magnitude = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), magnitude, hex ? 16 : 10);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || (negative && !is_signed)) return false;
  const std::uint64_t all = UINT64_MAX >> (64 - bytes.size() * 8);
  const std::uint64_t most = is_signed ? (all >> 1) + (negative ? 1 : 0) : all;
  if (magnitude > most) return false;
  const std::uint64_t value = negative ? 0 - magnitude : magnitude;
  std::memcpy(bytes.data(), &value, bytes.size());
  return true;
}

// Empty when `text` was put, else what is expected instead.
std::string_view put_value(const Btf& btf, std::uint32_t type, std::string_view text, std::span<std::byte> bytes) {
  const auto* const letter =
      std::ranges::find_if(kLetters, [&](const Letter& known) { return known.text == text || known.synonym == text; });
  const bool is_letter = letter != std::end(kLetters);
  switch (form_of(btf, type)) {
    case Form::kBool:
      if (!is_letter || letter->number > 1) return "y or n";
      bytes[0] = std::byte{letter->number};
      return {};
    case Form::kTristate:
      if (!is_letter) return "y, n or m";
      bytes[0] = std::byte{letter->number};
      return {};
    case Form::kChar:
      if (is_letter) {
        bytes[0] = static_cast<std::byte>(letter->text[0]);
        return {};
      }
      return put_number(text, btf.is_signed(type), bytes) ? "" : "y, n, m or a number of one byte";
    case Form::kInteger:
      return put_number(text, btf.is_signed(type), bytes) ? "" : "a number that fits the variable's type";
    case Form::kText: {
      const std::size_t size = std::min(text.size(), bytes.size() - 1);  // a terminating 0 always stays
      std::memcpy(bytes.data(), text.data(), size);
      return {};
    }
    case Form::kUnknown: return "a variable of type bool, char, integer, enum libbpf_tristate or char array";
  }
  return {};
}

std::optional<std::string_view> value_of(std::string_view name, const KconfigValues& values) {
  if (const auto told = values.find(name); told != values.end()) return told->second;
  if (name == "LINUX_KERNEL_VERSION") return kKernelVersion;
  if (name.starts_with("LINUX_HAS_")) return "0";
  return std::nullopt;
}

}  // namespace

Result<Kconfig> read_kconfig(const ElfFile& file, Btf& btf, const KconfigValues& values) {
  Kconfig kconfig;
  auto declared = btf.variables(kSection);
  if (declared.empty()) return kconfig;
  std::set<std::string_view> weak;
  for (const ElfSymbol& symbol : file.symbols()) {
    if (symbol.section == 0 && symbol.is_weak) weak.insert(symbol.name);
  }
  // libbpf's order: the strictest alignment first, then the smallest, then by name.
  std::ranges::sort(declared, {}, [&btf](const Btf::Variable& one) {
    return std::tuple(-btf.alignment(one.type), btf.size(one.type), std::string_view(one.name));
  });
  std::vector<std::byte> bytes;
  std::map<std::string_view, std::uint32_t> places;
  for (const Btf::Variable& declaration : declared) {
    const std::uint32_t size = btf.size(declaration.type);
    const auto alignment = static_cast<std::size_t>(btf.alignment(declaration.type));
    const std::size_t at = (bytes.size() + alignment - 1) / alignment * alignment;
    if (size > kMaxBytes || at + size > kMaxBytes) {
      return Error{ErrorCode::kProgram, fmt::format("{}: variable \"{}\" of {} bytes: more than {} in all",
                                                    place_in(kSection, at), declaration.name, size, kMaxBytes)};
    }
    KconfigVariable variable{.offset = static_cast<std::uint32_t>(at), .size = size, .why = {}};
    bytes.resize(at + size);
    const auto text = value_of(declaration.name, values);
    if (text || size == 0 || form_of(btf, declaration.type) == Form::kUnknown) {
      const auto expected =
          put_value(btf, declaration.type, text.value_or(""), std::span(bytes).subspan(variable.offset, size));
      if (!expected.empty())
        variable.why = fmt::format("has the value \"{}\", expected {}", text.value_or(""), expected);
    } else if (!weak.contains(declaration.name)) {
      variable.why =
          fmt::format("is not defined in this object and has no value: say `kconfig: {{{}: VALUE}}`", declaration.name);
    }
    places.emplace(declaration.name, variable.offset);
    kconfig.variables.emplace(declaration.name, std::move(variable));
  }
  btf.place_variables(kSection, places);
  if (bytes.empty()) return kconfig;
  MapDecl map;
  map.origin = MapDecl::Origin::kRodata;
  map.spec.name = kSection;
  map.spec.type = MapType::kArray;
  map.spec.key_size = 4;
  map.spec.value_size = static_cast<std::uint32_t>(bytes.size());
  map.spec.max_entries = 1;
  map.spec.flags = kMapReadOnlyProg | kMapMmapable;
  map.spec.value_type = btf.find(kSection);
  map.initial = std::move(bytes);
  kconfig.map = std::move(map);
  return kconfig;
}

}  // namespace sluice::vm
