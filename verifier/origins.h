#pragma once
// From which places of the state kept last a number was computed: one bit a place, numbered when the state is kept (see
// kept_states.cc). When something is decided by a number, the places it came from turn out to matter, and only what
// turned out to matter is compared when a later state is to be covered by the kept one. Internal to the verifier.
#include <bit>
#include <cstdint>

namespace sluice::verifier {

class Origins {
 public:
  static constexpr unsigned kPlaces = 128;  // the last bit stands for all places from 127 on

  static constexpr Origins none() { return {}; }
  // Whatever the state held: for numbers whose origin nobody followed.
  static constexpr Origins all() { return {~std::uint64_t{0}, ~std::uint64_t{0}}; }
  static constexpr Origins of(unsigned place) {
    const unsigned bit = place < kPlaces ? place : kPlaces - 1;
    return bit < 64 ? Origins{std::uint64_t{1} << bit, 0} : Origins{0, std::uint64_t{1} << (bit - 64)};
  }

  constexpr Origins() = default;
  [[nodiscard]] constexpr bool empty() const { return (low_ | high_) == 0; }
  [[nodiscard]] constexpr bool meets(const Origins& other) const {
    return ((low_ & other.low_) | (high_ & other.high_)) != 0;
  }
  [[nodiscard]] constexpr Origins without(const Origins& other) const {
    return {low_ & ~other.low_, high_ & ~other.high_};
  }
  constexpr Origins& operator|=(const Origins& other) {
    low_ |= other.low_;
    high_ |= other.high_;
    return *this;
  }
  friend constexpr Origins operator|(Origins a, const Origins& b) { return a |= b; }
  friend constexpr bool operator==(const Origins&, const Origins&) = default;

  // Calls f(place) for each, up to `count` places.
  template <typename F>
  void for_each(unsigned count, F&& f) const {
    for (std::uint64_t left = low_; left != 0; left &= left - 1) {
      const auto place = static_cast<unsigned>(std::countr_zero(left));
      if (place < count) f(place);
    }
    for (std::uint64_t left = high_; left != 0; left &= left - 1) {
      const auto place = 64 + static_cast<unsigned>(std::countr_zero(left));
      if (place < count) f(place);
    }
  }

 private:
  constexpr Origins(std::uint64_t low, std::uint64_t high) : low_(low), high_(high) {}
  std::uint64_t low_ = 0, high_ = 0;
};

}  // namespace sluice::verifier
