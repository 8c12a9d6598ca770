#include "verifier/call_text.h"

#include <array>
#include <cstddef>
#include <cstring>

#include "verifier/access.h"
#include "vm/maps/map.h"

namespace sluice::verifier {

ConstantText constant_text(const Context& context, const Reg& reg) {
  if (reg.type != Type::kMapValue || context.program_map(reg.map) < 0) return {.why = "text lies in a map's value"};
  vm::Map& map = *context.program.maps[static_cast<std::size_t>(reg.map)];
  const vm::MapSpec& spec = map.spec();
  if (!map.frozen() || spec.type != vm::MapType::kArray || spec.max_entries != 1) {
    return {.why = "the map's value may change, only constant globals do not"};
  }
  const Reach where = reach(reg, 0);
  if (!reg.value.is_constant()) return {.why = "the offset in the map's value is not constant"};
  constexpr std::array<std::byte, 4> kFirst{};
  const std::byte* const value = map.lookup(kFirst.data(), 0);
  if (value == nullptr || where.min < 0 || where.min >= std::int64_t{spec.value_size}) {
    return {.why = "the address lies outside the map's value"};
  }
  const auto rest = static_cast<std::size_t>(std::int64_t{spec.value_size} - where.min);
  const void* const text = value + where.min;
  if (std::memchr(text, 0, rest) == nullptr) return {.why = "there is no zero byte behind it"};
  return {.text = static_cast<const char*>(text), .why = {}};
}

}  // namespace sluice::verifier
