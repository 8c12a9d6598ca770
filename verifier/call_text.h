#pragma once
// Text that helpers take: bytes of a map that nobody changes any more. Internal to the verifier.
#include <string_view>

#include "verifier/context.h"

namespace sluice::verifier {

struct ConstantText {
  const char* text = nullptr;  // ends with a zero inside the map's value; null = there is none
  std::string_view why;        // then
};
ConstantText constant_text(const Context& context, const Reg& reg);

}  // namespace sluice::verifier
