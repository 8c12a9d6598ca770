#pragma once
// CO-RE relocations of .BTF.ext: what each instruction gets, and putting it there, as libbpf does. An access that
// cannot be found makes an instruction that no verifier lets run, so that code guarded by bpf_core_*_exists is fine.
// Input is hostile. Control path.
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "vm/core_access.h"
#include "vm/isa.h"

namespace sluice::vm {

constexpr std::int32_t kPoisonHelper = 0xbad2310;  // imm of the call that libbpf puts there

struct CorePatch {
  std::uint32_t slot = 0;   // of the section
  CoreValue before, after;  // after: only where not `poison`
  bool poison = false;
  bool keeps_size = true;  // loads and stores may not become wider or narrower
  std::string what;        // "byte offset of struct iphdr.saddr"
  std::string error;       // why it cannot be; else empty
};

// Section name -> patches ascending by slot.
using CorePatches = std::map<std::string, std::vector<CorePatch>, std::less<>>;

// `ext` is the section .BTF.ext, `local` the object's types. Errors are of the table, those of single relocations are
// in them.
Result<CorePatches> read_core_relocations(std::span<const std::byte> ext, const Btf& local, const CoreTarget& target);

// Changes the instruction at the front of `insns`. True when it is poisoned now.
Result<bool> apply_core_patch(const CorePatch& patch, std::span<Insn> insns);

}  // namespace sluice::vm
