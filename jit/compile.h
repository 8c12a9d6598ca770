#pragma once
// Compilation with the CPU features given, for tests that run every form; everybody else uses jit/jit.h. Control path.
#include "jit/jit.h"
#include "jit/x86_64/features.h"

namespace sluice::jit {

Result<CompiledProgram> compile_for(const vm::VerifiedProgram& program, const vm::HelperTable& helpers,
                                    x86_64::Features features);

}  // namespace sluice::jit
