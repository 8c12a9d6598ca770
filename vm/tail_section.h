#pragma once
// Section names by which iproute2 fills prog arrays: "ID/KEY". Constant: any thread.
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::vm {

// All of `text` as C writes a number: 10, 0xa, 012.
std::optional<std::uint32_t> c_number(std::string_view text) noexcept;

// "2/0x10": the id of an array and a slot in it, each as C writes numbers; nothing for other names.
struct TailSection {
  std::uint32_t id = 0, key = 0;
};
std::optional<TailSection> tail_section(std::string_view name) noexcept;

}  // namespace sluice::vm
