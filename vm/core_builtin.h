#pragma once
// What CO-RE relocations are made against: the types of the kernel's user headers that are built in, or those of a
// file. Control path.
#include <memory>
#include <string>

#include "base/result.h"
#include "vm/btf.h"

namespace sluice::vm {

// vm/uapi_types.c. The first call reads them; any thread.
std::shared_ptr<const Btf> builtin_types();

// Types of a file: raw BTF, such as /sys/kernel/btf/vmlinux, or an ELF file with a section .BTF.
Result<std::shared_ptr<const Btf>> load_types(const std::string& path);

}  // namespace sluice::vm
