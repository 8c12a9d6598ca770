#include "helpers/functions.h"
#include "vm/maps/spin_lock.h"

namespace sluice::helpers {

Arg spin_lock(Arg lock, Arg, Arg, Arg, Arg, vm::ExecEnv& /*env*/) noexcept {
  vm::spin_lock(*reinterpret_cast<std::uint32_t*>(lock));
  return 0;
}

Arg spin_unlock(Arg lock, Arg, Arg, Arg, Arg, vm::ExecEnv& /*env*/) noexcept {
  vm::spin_unlock(*reinterpret_cast<std::uint32_t*>(lock));
  return 0;
}

}  // namespace sluice::helpers
