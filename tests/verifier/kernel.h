#pragma once
// What the running kernel's verifier says of a program: it is loaded through bpf(2) with maps like its own and thrown
// away at once; nothing is attached. Needs the right to load programs.
#include <string>

#include "vm/program.h"

namespace sluice::testing_support {

struct KernelVerdict {
  bool accepted = false;
  int error = 0;    // errno of the refusal
  std::string log;  // the end of the verifier's log, only of refusals
};

// Whether programs may be loaded here; `why` says what is missing.
bool kernel_available(std::string& why);
// Precondition: kernel_available and an XDP type.
KernelVerdict kernel_verdict(const vm::LoadedProgram& program);

}  // namespace sluice::testing_support
