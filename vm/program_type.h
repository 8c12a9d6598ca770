#pragma once
// One row a program type: what its context looks like, what it may call, what it may return. The verifier, the engines
// and the loader ask the row; nobody compares names. Constant: any thread.
#include <cstdint>
#include <span>
#include <string_view>

namespace sluice::vm {

// How the program's context (r1 at entry) is laid out.
enum class ContextKind : std::uint8_t {
  kXdp,     // struct xdp_md by vm/ctx_fields; the native object is an XdpContext
  kMemory,  // r1 = readable and writable memory, r2 = its length in bytes (`sluice exec`)
};

// What a load of a context field gives the program.
enum class FieldKind : std::uint8_t { kScalar32, kPacket, kPacketEnd, kPacketMeta };

// One field of struct xdp_md. Programs may read exactly these 4 bytes; native is where engines find the value.
struct ContextField {
  std::uint32_t offset = 0;  // in struct xdp_md, bytes
  std::string_view name;
  FieldKind kind = FieldKind::kScalar32;
  std::uint32_t native_offset = 0;  // in XdpContext, bytes
  std::uint8_t native_size = 4;     // 4 or 8
  bool egress_only = false;         // readable by devmap and egress programs only
};

struct ProgramType {
  std::string_view name;  // "xdp", "xdp/devmap", "xdp/cpumap", "memory"
  ContextKind context = ContextKind::kXdp;
  std::span<const ContextField> fields;             // ascending by offset
  bool egress_fields = false;                       // may read egress_only fields
  std::span<const std::int32_t> forbidden_helpers;  // helpers of the table this type may not call
};

const ProgramType& xdp_type() noexcept;
const ProgramType& xdp_devmap_type() noexcept;
const ProgramType& xdp_cpumap_type() noexcept;
const ProgramType& memory_type() noexcept;

// The row for an ELF section name as libbpf reads it ("xdp", "xdp.frags", "xdp/devmap", "xdp.frags/cpumap", ...); `xdp`
// also matches "xdp_*" and "xdp/anything" as old samples write them. Null for sections of other program types and for
// names that say nothing of a type, such as iproute2's "prog".
// `frags`, when not null, is set for the ".frags" forms.
const ProgramType* type_of_section(std::string_view section, bool* frags) noexcept;

// The name of the type that the section's name stands for, as bpftool writes it, types not run here included ("xdp",
// "sched_cls", "tracing", ...); empty for names that say nothing.
std::string_view type_name_of_section(std::string_view section) noexcept;

// "xdp", "xdp/devmap", "xdp/cpumap": the types that users may say a program has; null for other names.
const ProgramType* type_called(std::string_view name) noexcept;

// The field at exactly `offset`, or null.
const ContextField* context_field(const ProgramType& type, std::int64_t offset) noexcept;

}  // namespace sluice::vm
