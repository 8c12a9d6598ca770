#include "vm/ctx_fields.h"

#include <cstddef>

#include "vm/xdp.h"

namespace sluice::vm {
namespace {

constexpr ContextField kXdpMd[] = {
    {.offset = 0,
     .name = "data",
     .kind = FieldKind::kPacket,
     .native_offset = offsetof(XdpContext, data),
     .native_size = 8},
    {.offset = 4,
     .name = "data_end",
     .kind = FieldKind::kPacketEnd,
     .native_offset = offsetof(XdpContext, data_end),
     .native_size = 8},
    {.offset = 8,
     .name = "data_meta",
     .kind = FieldKind::kPacketMeta,
     .native_offset = offsetof(XdpContext, data_meta),
     .native_size = 8},
    {.offset = 12, .name = "ingress_ifindex", .native_offset = offsetof(XdpContext, ingress_ifindex)},
    {.offset = 16, .name = "rx_queue_index", .native_offset = offsetof(XdpContext, rx_queue_index)},
    {.offset = 20,
     .name = "egress_ifindex",
     .native_offset = offsetof(XdpContext, egress_ifindex),
     .egress_only = true},
};

}  // namespace

std::span<const ContextField> xdp_md_fields() noexcept { return kXdpMd; }

const ContextField* context_field(const ProgramType& type, std::int64_t offset) noexcept {
  for (const ContextField& field : type.fields) {
    if (field.offset == offset) return !field.egress_only || type.egress_fields ? &field : nullptr;
  }
  return nullptr;
}

}  // namespace sluice::vm
