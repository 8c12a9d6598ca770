#pragma once
// Variables that a kernel's configuration would supply: externs of the section `.kconfig`, by libbpf's conventions. The
// object's only data that no section of the file holds. Control path.
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "vm/btf.h"
#include "vm/elf.h"
#include "vm/elf_file.h"

namespace sluice::vm {

// What is known without being told: the kernel whose rules are followed (6.18.0, as KERNEL_VERSION writes it), and that
// features of other program types are absent.
constexpr std::string_view kKernelVersion = "0x061200";

struct KconfigVariable {
  std::uint32_t offset = 0;  // bytes from the map's start
  std::uint32_t size = 0;    // bytes
  std::string why;           // what keeps it from having a value; empty when it has one
};

struct Kconfig {
  std::optional<MapDecl> map;  // ".kconfig", frozen, all values in place; null without variables
  std::map<std::string, KconfigVariable, std::less<>> variables;
};

// Lays the variables out, tells `btf` their places and gives them their values. Variables that cannot have one are no
// error until a program refers to them.
Result<Kconfig> read_kconfig(const ElfFile& file, Btf& btf, const KconfigValues& values);

}  // namespace sluice::vm
