#include "vm/elf_arguments.h"

#include <algorithm>

namespace sluice::vm {
namespace {

constexpr std::string_view kContext = "xdp_md";
constexpr std::uint32_t kMaxBytes = 1 << 29;  // BPF_MAX_VAR_OFF, linux/bpf_verifier.h: no offset reaches further

// Bytes behind a pointer of this type; 0 when that is no memory of a known size.
std::uint32_t bytes_behind(const Btf& btf, std::uint32_t type) {
  if (btf.kind(type) != Btf::Kind::kPointer) return 0;
  const std::uint32_t target = btf.strip(btf.pointee(type));
  if (btf.kind(target) == Btf::Kind::kStruct && btf.name(target) == kContext) return 0;
  const std::uint32_t bytes = btf.size(target);
  return bytes <= kMaxBytes ? bytes : 0;
}

}  // namespace

std::map<std::string_view, ArgumentTypes> argument_types(const Btf& btf) {
  std::map<std::string_view, ArgumentTypes> found;
  std::map<std::uint32_t, ArgumentTypes*> by_id;
  for (std::uint32_t id = 1; id <= btf.type_count(); ++id) {
    if (!btf.is_named_function(id)) continue;
    ArgumentTypes types;
    const auto parameters = btf.parameters(id);  // the last is what it returns
    for (std::size_t i = 0; i + 1 < parameters.size() && i < types.memory.size(); ++i) {
      types.memory[i] = bytes_behind(btf, parameters[i]);
    }
    if (std::ranges::all_of(types.memory, [](std::uint32_t bytes) { return bytes == 0; })) continue;
    const auto [place, is_new] = found.try_emplace(btf.name(id), types);
    if (is_new) by_id.emplace(id, &place->second);
  }
  for (const Btf::ArgumentTag& tag : btf.argument_tags()) {
    const auto function = by_id.find(tag.function);
    if (function == by_id.end() || tag.argument >= function->second->memory.size()) continue;
    if (tag.text == "arg:nonnull") function->second->never_null |= static_cast<std::uint8_t>(1U << tag.argument);
    if (tag.text == "arg:ctx") function->second->memory[tag.argument] = 0;
  }
  return found;
}

}  // namespace sluice::vm
