#pragma once
// The source lines of .BTF.ext (kernel Documentation/bpf/btf.rst section 4), by section. Input is hostile. Control
// path.
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "vm/btf.h"
#include "vm/program.h"

namespace sluice::vm {

// Section name -> records ascending by `insn`, which here is a slot of the section.
using LineInfo = std::map<std::string, std::vector<SourceLine>, std::less<>>;

Result<LineInfo> parse_line_info(std::span<const std::byte> section, const Btf& btf);

}  // namespace sluice::vm
