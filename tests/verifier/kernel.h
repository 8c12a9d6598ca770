#pragma once
// What the running kernel's verifier says of a program: it is loaded through bpf(2) with maps like its own and thrown
// away at once; nothing is attached. Needs the right to load programs.
#include <span>
#include <string>
#include <vector>

#include "vm/maps/map.h"
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

// The pieces of kernel_verdict, for who loads many programs over the same maps. Both give descriptors, negative with
// errno set when the kernel refuses; who calls closes them.
// A map like `map`; a frozen one has its contents.
int kernel_map(vm::Map& map);
// `maps` by the program's map indices. A log that is not empty is filled as far as it goes, its end kept.
int kernel_load(const vm::LoadedProgram& program, std::span<const int> maps, std::vector<char>& log);

}  // namespace sluice::testing_support
