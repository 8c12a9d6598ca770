#include "vm/maps/map.h"

#include <cerrno>

#include "vm/maps/value_copy.h"

namespace sluice::vm {

bool Map::next_element(MapCursor& /*cursor*/, unsigned /*cpu*/) noexcept { return false; }

int Map::read(const std::byte* key, std::byte* out) {
  const std::byte* const value = lookup(key, 0);
  if (value == nullptr) return -ENOENT;
  load_value(spec(), reinterpret_cast<std::uint8_t*>(out), reinterpret_cast<const std::uint8_t*>(value));
  return 0;
}

int Map::write(const std::byte* key, const std::byte* value, UpdateMode mode) { return update(key, value, mode, 0); }

}  // namespace sluice::vm
