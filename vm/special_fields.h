#pragma once
// What a map's value holds that only helpers may touch: a lock or a timer (struct bpf_spin_lock and struct bpf_timer of
// linux/bpf.h), found by its type. Such bytes are never copied into or out of a map. Constant: any thread.
#include <cstdint>

namespace sluice::vm {

class Btf;
struct MapSpec;

struct SpecialFields {
  static constexpr std::uint32_t kLockBytes = 4;    // sizeof(struct bpf_spin_lock)
  static constexpr std::uint32_t kTimerBytes = 16;  // sizeof(struct bpf_timer)

  std::int32_t lock = -1;   // offset in the value, bytes, a multiple of 4; -1 = there is none
  std::int32_t timer = -1;  // likewise, a multiple of 8

  [[nodiscard]] bool any() const noexcept { return lock >= 0 || timer >= 0; }
  // Whether the lock, the timer lies in the bytes [low, high) of the value.
  [[nodiscard]] bool lock_meets(std::int64_t low, std::int64_t high) const noexcept {
    return lock >= 0 && low < lock + std::int64_t{kLockBytes} && high > lock;
  }
  [[nodiscard]] bool timer_meets(std::int64_t low, std::int64_t high) const noexcept {
    return timer >= 0 && low < timer + std::int64_t{kTimerBytes} && high > timer;
  }
  // Whether both lie where they may in a value of so many bytes.
  [[nodiscard]] bool fit(std::uint32_t value_size) const noexcept {
    const auto lies_in = [value_size](std::int32_t offset, std::uint32_t bytes, std::int32_t alignment) {
      if (offset < 0) return true;  // there is none
      const auto at = static_cast<std::uint32_t>(offset);
      return offset % alignment == 0 && at <= value_size && bytes <= value_size - at;
    };
    const bool apart = lock < 0 || !timer_meets(lock, lock + std::int64_t{kLockBytes});
    return apart && lies_in(lock, kLockBytes, 4) && lies_in(timer, kTimerBytes, 8);
  }
  friend bool operator==(const SpecialFields&, const SpecialFields&) = default;
};

// Those of a map's value, by spec.value_type: a struct or an object's data section, looked for in members that are
// structs too. None at all where the kernel refuses one of them: in other types of map, in maps that programs may only
// read or only write, where one is there twice or not wholly in the value. In Linux libbpf then makes the map without
// its types.
SpecialFields find_special_fields(const Btf& btf, const MapSpec& spec);

}  // namespace sluice::vm
