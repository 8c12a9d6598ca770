#pragma once
// What types say of the arguments of an object's global functions, which are verified once for any arguments of these
// types (kernel Documentation/bpf/btf.rst; the tags are those of bpf_helpers.h: __arg_nonnull and __arg_ctx). Control
// path.
#include <array>
#include <cstdint>
#include <map>
#include <string_view>

#include "vm/btf.h"

namespace sluice::vm {

struct ArgumentTypes {
  std::array<std::uint32_t, 5> memory{};  // as in Subprogram
  std::uint8_t never_null = 0;
};

// Of each function that takes memory of a known size, by its name.
std::map<std::string_view, ArgumentTypes> argument_types(const Btf& btf);

}  // namespace sluice::vm
