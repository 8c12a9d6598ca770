#pragma once
// The fields of `struct xdp_md` (linux/bpf.h) and where an XdpContext keeps them. To add a field, add a row to
// ctx_fields.cc. Constant: any thread.
#include <span>

#include "vm/program_type.h"

namespace sluice::vm {

constexpr std::uint32_t kXdpMdBytes = 24;  // sizeof(struct xdp_md)

// Ascending by offset.
std::span<const ContextField> xdp_md_fields() noexcept;

}  // namespace sluice::vm
