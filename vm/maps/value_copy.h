#pragma once
// Copies of whole values as updates and reads make them: word by word (vm/maps/words.h), without the locks and timers
// in them. `shared` is 8-byte aligned and padded to 8 bytes, the other side lies anywhere. Data path, any thread.
#include <cstdint>

#include "vm/maps/map.h"

namespace sluice::vm {

// Locks and timers at `shared` stay as they are.
void store_value(const MapSpec& spec, std::uint8_t* shared, const std::uint8_t* from) noexcept;
// The value's lock, which it has (spec.special.lock >= 0): the word that programs lock with bpf_spin_lock.
std::uint32_t& value_lock(const MapSpec& spec, std::uint8_t* shared) noexcept;
// The value is freed or overwritten: its timer, if it has one, is as new, and what was armed is void (vm/timers.h).
void clear_timer(const MapSpec& spec, std::uint8_t* shared) noexcept;
// Locks and timers read as zero.
void load_value(const MapSpec& spec, std::uint8_t* to, const std::uint8_t* shared) noexcept;

}  // namespace sluice::vm
