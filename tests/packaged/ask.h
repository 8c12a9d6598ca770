#pragma once
// What the running kernel's verifier says of programs of packaged objects. One thread.
#include <string>

#include "dataplane/kernel/peer.h"

namespace sluice::kernel {

// Of a program that we read.
Verdict ask(const std::string& path, const vm::ElfObject& elf, const vm::LoadedProgram& program);
// Of one that we cannot link.
Verdict ask_libbpf(const std::string& path, const std::string& program);
// The line of a verifier's log that says what is wrong; empty when there is none.
std::string last_words(const std::string& log);

}  // namespace sluice::kernel
