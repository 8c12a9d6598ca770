#pragma once
// The tables of .BTF.ext (kernel Documentation/bpf/btf.rst section 4): records by program section. Input is hostile.
// Control path.
#include <cstddef>
#include <functional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "vm/btf.h"

namespace sluice::vm {

enum class ExtTable : std::uint8_t { kLines, kCoreRelocations };

// Calls f(section, record) for every record of a table in order; each has at least `size` bytes. A table that the
// section is too old for, or that is empty, has no records. `record` lies inside `section`. Errors begin with
// `offset N: `, in bytes from the start of the section.
Result<void> each_ext_record(std::span<const std::byte> section, const Btf& btf, ExtTable table, std::size_t size,
                             const std::function<void(std::string_view, std::span<const std::byte>)>& f);

}  // namespace sluice::vm
