#pragma once
// **The** list of helper functions programs may call. Constant: any thread.
#include <string>

#include "vm/helper_desc.h"

namespace sluice::helpers {

const vm::HelperTable& table() noexcept;

// docs/helpers.md, made from the table.
std::string markdown();

}  // namespace sluice::helpers
