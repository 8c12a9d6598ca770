#include "vm/maps/hash_function.h"

namespace sluice::vm {

HashFunction fastest_hash() noexcept { return hash_software; }

}  // namespace sluice::vm
