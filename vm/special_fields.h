#pragma once
// What a map's value holds that only helpers may touch: a lock or a timer, found by its type (bpf_spin_lock(),
// bpf_timer_ init(); struct bpf_spin_lock and struct bpf_timer of linux/bpf.h). Such bytes are never copied into or out
// of a map. Constant: any thread.
#include <cstdint>

#include "base/result.h"

namespace sluice::vm {

class Btf;
enum class MapType : std::uint32_t;

struct SpecialFields {
  static constexpr std::uint32_t kLockBytes = 4;    // sizeof(struct bpf_spin_lock)
  static constexpr std::uint32_t kTimerBytes = 16;  // sizeof(struct bpf_timer)

  std::int32_t lock = -1;   // offset in the value, bytes; -1 = there is none
  std::int32_t timer = -1;  // likewise

  [[nodiscard]] bool any() const noexcept { return lock >= 0 || timer >= 0; }
  // Whether one of them lies in the bytes [low, high) of the value.
  [[nodiscard]] bool meet(std::int64_t low, std::int64_t high) const noexcept {
    return (lock >= 0 && low < lock + std::int64_t{kLockBytes} && high > lock) ||
           (timer >= 0 && low < timer + std::int64_t{kTimerBytes} && high > timer);
  }
  friend bool operator==(const SpecialFields&, const SpecialFields&) = default;
};

// Those of a value of BTF type `type`, a struct or an object's data section, looked for in members that are structs
// too. None when maps of `map_type` cannot have them. An error says what the kernel refuses: two locks, one that is
// misplaced.
Result<SpecialFields> find_special_fields(const Btf& btf, std::uint32_t type, MapType map_type);

}  // namespace sluice::vm
