// Sockets that were looked up: which fields programs may read, and how widely. The kernel keeps them elsewhere than
// struct bpf_sock has them and rewrites each load, so that what it cannot rewrite is refused.
#include <array>

#include <fmt/format.h>

#include "verifier/access.h"
#include "vm/sockets.h"

namespace sluice::verifier {
namespace {

// Loads of 1 and 2 bytes.
enum class Narrow : std::uint8_t {
  kNever,
  kAtStart,   // at the field's first byte only
  kAnywhere,  // at every multiple of their size
};

struct Field {
  std::string_view name;
  std::int64_t offset;
  std::int64_t bytes;  // in words of 4, each of which may be loaded
  Narrow narrow;
  std::int64_t narrow_bytes;  // that narrow loads stay in
  bool full;                  // only full sockets have it
};
constexpr std::array<Field, 14> kFields{{
    {"bound_dev_if", offsetof(vm::Socket, bound_dev_if), 4, Narrow::kNever, 0, false},
    {"family", offsetof(vm::Socket, family), 4, Narrow::kAtStart, 4, false},
    {"type", offsetof(vm::Socket, type), 4, Narrow::kAtStart, 4, true},
    {"protocol", offsetof(vm::Socket, protocol), 4, Narrow::kAtStart, 4, true},
    {"mark", offsetof(vm::Socket, mark), 4, Narrow::kNever, 0, true},
    {"priority", offsetof(vm::Socket, priority), 4, Narrow::kNever, 0, true},
    {"src_ip4", offsetof(vm::Socket, src_ip4), 4, Narrow::kAnywhere, 4, false},
    {"src_ip6", offsetof(vm::Socket, src_ip6), 16, Narrow::kAnywhere, 16, false},
    {"src_port", offsetof(vm::Socket, src_port), 4, Narrow::kAtStart, 4, false},
    {"dst_port", offsetof(vm::Socket, dst_port), 4, Narrow::kAnywhere, 2, false},  // with the zeroes behind it
    {"dst_ip4", offsetof(vm::Socket, dst_ip4), 4, Narrow::kAnywhere, 4, false},
    {"dst_ip6", offsetof(vm::Socket, dst_ip6), 16, Narrow::kAnywhere, 16, false},
    {"state", offsetof(vm::Socket, state), 4, Narrow::kAtStart, 4, false},
    {"rx_queue_mapping", offsetof(vm::Socket, rx_queue_mapping), 4, Narrow::kAtStart, 4, false},
}};

const Field* field_at(std::int64_t offset) {
  for (const Field& field : kFields) {
    if (offset >= field.offset && offset < field.offset + field.bytes) return &field;
  }
  return nullptr;
}

bool fits(const Field& field, std::int64_t offset, std::int64_t size) {
  const std::int64_t at = offset - field.offset;
  if (size == 4) return at % 4 == 0;
  if (size > 4 || field.narrow == Narrow::kNever || at % size != 0) return false;
  return field.narrow == Narrow::kAtStart ? at == 0 : at + size <= field.narrow_bytes;
}

}  // namespace

Check check_socket(const Context& context, const Reg& base, const Access& access) {
  const auto fail = [&](Rule rule, std::string message, std::vector<Rejection::Note> notes) {
    return failure(rule, access.slot, access.reg, std::move(message), std::move(notes));
  };
  if (access.use != Use::kRead && context.enforced(Rule::kSocketWrite)) {
    return fail(Rule::kSocketWrite, fmt::format("{}-byte write into a socket, which may only be read", access.size),
                {{"fix", "keep the value in a variable of your own"}});
  }
  if (!context.enforced(Rule::kSocketField)) return {};
  const Reach where = reach(base, access.offset);
  const Field* const field = where.fixed() ? field_at(where.min) : nullptr;
  if (field == nullptr) {
    return fail(Rule::kSocketField, fmt::format("{}-byte read of a socket at offset {}", access.size, where.min),
                {{"why", "struct bpf_sock has no field there"}, {"fix", "read its fields by their names"}});
  }
  if (field->full && base.type == Type::kSocketCommon) {
    return fail(Rule::kSocketField,
                fmt::format("read of a socket's {}, which sockets of some states lack", field->name),
                {{"why", "bpf_skc_lookup_tcp gives those of closed connections and of requests, too"},
                 {"fix", "look the socket up by bpf_sk_lookup_tcp"}});
  }
  if (fits(*field, where.min, access.size)) return {};
  return fail(Rule::kSocketField,
              fmt::format("{}-byte read of a socket's {}, {} bytes into it", access.size, field->name,
                          where.min - field->offset),
              {{"why", field->narrow == Narrow::kNever ? "it is read as 4 bytes"
                                                       : "it is read as a whole, in words of 4, "
                                                         "or from its start"},
               {"fix", "read the field by its name into a variable of its type"}});
}

Through through_of(const Context& context, const Reg& base) noexcept {
  if (base.type == Type::kSocket) return Through::kSocket;
  if (base.type == Type::kSocketCommon) return Through::kSocketCommon;
  return is_xdp_socket(context, base) ? Through::kXdpSocket : Through::kOther;
}

std::string_view describe(Through through) noexcept {
  switch (through) {
    case Through::kNobody: return "nothing";
    case Through::kOther: return "other memory";
    case Through::kSocket: return "a socket";
    case Through::kSocketCommon: return "a socket of any state";
    case Through::kXdpSocket: return "an XDP socket";
  }
  return "";
}

}  // namespace sluice::verifier
