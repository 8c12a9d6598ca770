#pragma once
// What helpers demand of the registers they are given. Internal to the verifier.
#include "verifier/context.h"
#include "verifier/require.h"
#include "vm/helper_desc.h"

namespace sluice::verifier {

// The call of `helper` at `slot`: each argument by its ArgKind, memory with its size.
Check check_arguments(const Context& context, const State& state, std::uint32_t slot, const vm::HelperDesc& helper);

// The map that a register names, or null.
const vm::Map* map_of(const Context& context, const Reg& reg);
// The map that the arguments of a call name, or null; `index` is its Context::map then.
const vm::Map* map_argument(const Context& context, const State& state, const vm::HelperDesc& helper,
                            std::int32_t& index);
// Memory whose size is the next argument.
bool takes_size(vm::ArgKind kind);
// What such an argument is with this map: some look at the value that they would fill of others.
vm::ArgKind use_of(vm::ArgKind kind, const vm::Map* map);

}  // namespace sluice::verifier
