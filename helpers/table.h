#pragma once
// **The** list of helper functions programs may call. Constant: any thread.
#include "vm/helper_desc.h"

namespace sluice::helpers {

const vm::HelperTable& table() noexcept;

}  // namespace sluice::helpers
