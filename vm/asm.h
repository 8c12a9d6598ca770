#pragma once
// Text to instructions, for conformance data and tests, and back. Grammar: docs/asm.md; `assemble` accepts what
// `disassemble` writes. Control path, any thread.
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "vm/isa.h"

namespace sluice::vm {

// One instruction a line, `#` starts a comment, `label:` names the next one. Errors name the line.
Result<std::vector<Insn>> assemble(std::string_view text);

// The instruction at `slot` as one line without its number; unknown ones as "?? 0123456789abcdef".
// `slot` must be inside; a truncated lddw is unknown.
std::string disassemble(std::span<const Insn> insns, std::size_t slot);

}  // namespace sluice::vm
