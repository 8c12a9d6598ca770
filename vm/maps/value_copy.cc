#include "vm/maps/value_copy.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "vm/maps/words.h"

namespace sluice::vm {
namespace {

struct Hole {
  std::uint32_t begin = UINT32_MAX, end = UINT32_MAX;  // bytes; begin is a multiple of 4, end too
};

std::array<Hole, 2> holes_of(const SpecialFields& special) {
  std::array<Hole, 2> holes{};
  if (special.lock >= 0) {
    const auto at = static_cast<std::uint32_t>(special.lock);
    holes[0] = {at, at + SpecialFields::kLockBytes};
  }
  if (special.timer >= 0) {
    const auto at = static_cast<std::uint32_t>(special.timer);
    holes[1] = {at, at + SpecialFields::kTimerBytes};
  }
  if (holes[1].begin < holes[0].begin) std::swap(holes[0], holes[1]);
  return holes;
}

// `bytes`: of them at `from`, 4 or fewer; the rest is padding.
void store_four(std::uint8_t* shared, const std::uint8_t* from, std::uint32_t bytes) {
  std::uint32_t four = 0;
  std::memcpy(&four, from, bytes);
  __atomic_store_n(reinterpret_cast<std::uint32_t*>(shared), four, __ATOMIC_RELEASE);
}

// [begin, end) of a value of `size` bytes; both are multiples of 4 but for the value's end.
void store_part(std::uint8_t* shared, const std::uint8_t* from, std::uint32_t begin, std::uint32_t end,
                std::uint32_t size) {
  if (begin % 8 == 4 && end > begin) {
    const std::uint32_t bytes = std::min(end - begin, 4U);
    store_four(shared + begin, from + begin, bytes);
    begin += bytes;
  }
  const bool half_word_left = end != size && end % 8 == 4 && end > begin;
  const std::uint32_t whole = half_word_left ? end - 4 : end;
  if (whole > begin) words_store(shared + begin, from + begin, whole - begin);
  if (half_word_left) store_four(shared + whole, from + whole, 4);
}

}  // namespace

void store_value(const MapSpec& spec, std::uint8_t* shared, const std::uint8_t* from) noexcept {
  if (!spec.special.any()) return words_store(shared, from, spec.value_size);
  std::uint32_t at = 0;
  for (const Hole& hole : holes_of(spec.special)) {
    store_part(shared, from, at, std::min(hole.begin, spec.value_size), spec.value_size);
    at = std::min(hole.end, spec.value_size);
  }
  store_part(shared, from, at, spec.value_size, spec.value_size);
}

std::uint32_t& value_lock(const MapSpec& spec, std::uint8_t* shared) noexcept {
  return *reinterpret_cast<std::uint32_t*>(shared + spec.special.lock);
}

void clear_timer(const MapSpec& spec, std::uint8_t* shared) noexcept {
  if (spec.special.timer < 0) return;
  auto* const words = reinterpret_cast<std::uint64_t*>(shared + spec.special.timer);
  // Mostly there is none. The second word first: one that is new is not armed.
  if (__atomic_load_n(&words[0], __ATOMIC_RELAXED) == 0 && __atomic_load_n(&words[1], __ATOMIC_RELAXED) == 0) return;
  __atomic_store_n(&words[1], 0, __ATOMIC_RELEASE);
  __atomic_store_n(&words[0], 0, __ATOMIC_RELEASE);
}

void load_value(const MapSpec& spec, std::uint8_t* to, const std::uint8_t* shared) noexcept {
  words_load(to, shared, spec.value_size);
  for (const Hole& hole : holes_of(spec.special)) {
    if (hole.end <= spec.value_size) std::memset(to + hole.begin, 0, hole.end - hole.begin);
  }
}

}  // namespace sluice::vm
