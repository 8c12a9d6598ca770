#include "vm/program_type.h"

#include <algorithm>
#include <cctype>

#include "vm/ctx_fields.h"
#include "vm/tail_section.h"

namespace sluice::vm {
namespace {

// Helpers that work on a frame; a `memory` program has none.
constexpr std::int32_t kFrameHelpers[] = {
    12,   // tail_call
    23,   // redirect
    25,   // perf_event_output
    44,   // xdp_adjust_head
    51,   // redirect_map
    54,   // xdp_adjust_meta
    65,   // xdp_adjust_tail
    69,   // fib_lookup
    163,  // check_mtu
    188,  // xdp_get_buff_len
    189,  // xdp_load_bytes
    190,  // xdp_store_bytes
};

struct SectionRule {
  std::string_view prefix;
  const ProgramType& (*type)() noexcept;
};
// The first prefix that fits decides, so longer ones stand first. Names up to the blank line are those libbpf 1.x
// knows; the others are what libbpf 0.x, iproute2 and the kernel's old samples wrote.
constexpr SectionRule kSections[] = {
    {"xdp.frags/devmap", xdp_devmap_type}, {"xdp/devmap", xdp_devmap_type},  {"xdp.frags/cpumap", xdp_cpumap_type},
    {"xdp/cpumap", xdp_cpumap_type},

    {"xdp_devmap/", xdp_devmap_type},      {"xdp_cpumap/", xdp_cpumap_type}, {"xdp", xdp_type},
};

}  // namespace

const ProgramType& xdp_type() noexcept {
  static const ProgramType type{.name = "xdp", .context = ContextKind::kXdp, .fields = xdp_md_fields()};
  return type;
}

const ProgramType& xdp_devmap_type() noexcept {
  static const ProgramType type{
      .name = "xdp/devmap", .context = ContextKind::kXdp, .fields = xdp_md_fields(), .egress_fields = true};
  return type;
}

const ProgramType& xdp_cpumap_type() noexcept {
  static const ProgramType type{.name = "xdp/cpumap", .context = ContextKind::kXdp, .fields = xdp_md_fields()};
  return type;
}

const ProgramType& memory_type() noexcept {
  static const ProgramType type{.name = "memory", .context = ContextKind::kMemory, .forbidden_helpers = kFrameHelpers};
  return type;
}

const ProgramType* type_of_section(std::string_view section, bool* frags) noexcept {
  if (section.starts_with('?')) section.remove_prefix(1);  // libbpf: not loaded unless asked for
  if (frags != nullptr) *frags = section.starts_with("xdp.frags");
  for (const SectionRule& rule : kSections) {
    if (section.starts_with(rule.prefix)) return &rule.type();
  }
  return tail_section(section) ? &xdp_type() : nullptr;
}

const ProgramType* type_called(std::string_view name) noexcept {
  for (const ProgramType* type : {&xdp_type(), &xdp_devmap_type(), &xdp_cpumap_type()}) {
    if (type->name == name) return type;
  }
  return nullptr;
}

}  // namespace sluice::vm
