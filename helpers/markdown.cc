#include <fmt/format.h>

#include "helpers/table.h"
#include "vm/maps/map.h"

namespace sluice::helpers {
namespace {

std::string_view words(vm::ArgKind kind) {
  switch (kind) {
    case vm::ArgKind::kNone: return "";
    case vm::ArgKind::kAnything: return "any";
    case vm::ArgKind::kScalar: return "number";
    case vm::ArgKind::kContext: return "ctx";
    case vm::ArgKind::kConstMap: return "map";
    case vm::ArgKind::kMapKey: return "key";
    case vm::ArgKind::kMapValue: return "value";
    case vm::ArgKind::kMapValueOut: return "value written";
    case vm::ArgKind::kReadMem: return "memory";
    case vm::ArgKind::kReadMemOrNull: return "memory or null";
    case vm::ArgKind::kWriteMem: return "memory written";
    case vm::ArgKind::kInOutMem: return "memory read and written";
    case vm::ArgKind::kInOutMemOrNull: return "memory read and written, or null";
    case vm::ArgKind::kFixedMem: return "memory of fixed size";
    case vm::ArgKind::kFixedMemInOut: return "aligned memory of fixed size, read and written";
    case vm::ArgKind::kConstString: return "constant text";
    case vm::ArgKind::kSize: return "size";
    case vm::ArgKind::kSizeOrZero: return "size or 0";
    case vm::ArgKind::kCallback: return "static function";
    case vm::ArgKind::kCallbackContext: return "stack address or null";
    case vm::ArgKind::kSpinLock: return "lock in a value";
    case vm::ArgKind::kTimer: return "timer in a value";
    case vm::ArgKind::kAllocSize: return "constant size";
    case vm::ArgKind::kRecord: return "record";
    case vm::ArgKind::kSocket: return "socket";
  }
  return "";
}

std::string_view words(vm::RetKind kind) {
  switch (kind) {
    case vm::RetKind::kScalar: return "number";
    case vm::RetKind::kError: return "0 or -errno";
    case vm::RetKind::kMapValueOrNull: return "value or null";
    case vm::RetKind::kRecordOrNull: return "record or null";
    case vm::RetKind::kSocketOrNull: return "socket or null";
    case vm::RetKind::kSocketCommonOrNull: return "common part of a socket, or null";
    case vm::RetKind::kNothing: return "nothing";
  }
  return "";
}

std::string arguments(const vm::HelperDesc& row) {
  std::string text;
  for (const vm::ArgKind kind : row.args) {
    if (kind != vm::ArgKind::kNone) text += fmt::format("{}{}", text.empty() ? "" : ", ", words(kind));
  }
  return text;
}

std::string map_types(const vm::HelperDesc& row) {
  std::string text;
  for (const std::uint32_t type : row.map_types) {
    text += fmt::format("{}{}", text.empty() ? "" : ", ", vm::map_type_name(static_cast<vm::MapType>(type)));
  }
  return text;
}

}  // namespace

std::string markdown() {
  std::string text =
      "# Helpers\n\nMade from `helpers/table.cc`. Semantics are those of Linux 6.18 (`bpf-helpers(7)`); differences "
      "are "
      "listed in `differences.md`.\n\n"
      "| id | helper | arguments | returns | map types | what it does |\n|---|---|---|---|---|---|\n";
  for (const vm::HelperDesc& row : table().rows()) {
    text += fmt::format("| {} | `bpf_{}` | {} | {} | {} | {} |\n", row.id, row.name, arguments(row), words(row.ret),
                        map_types(row), row.doc);
  }
  return text;
}

}  // namespace sluice::helpers
