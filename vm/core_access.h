#pragma once
// What a CO-RE relocation means: a member reached from a type, a type, or an enumerator, found in the object's types
// and in those it is relocated against. Control path.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "vm/core_types.h"

namespace sluice::vm {

// enum bpf_core_relo_kind, linux/bpf.h.
enum class CoreKind : std::uint32_t {
  kByteOffset,
  kByteSize,
  kFieldExists,
  kIsSigned,
  kLeftShift,
  kRightShift,
  kLocalTypeId,
  kTargetTypeId,
  kTypeExists,
  kTypeSize,
  kEnumeratorExists,
  kEnumerator,
  kTypeMatches,
};
constexpr std::uint32_t kCoreKinds = 13;

struct CoreAccess {
  struct Step {               // into a member, or into an element of an array, as deep as there are names and indices
    std::string_view member;  // empty for elements
    std::uint32_t index = 0;
    std::uint32_t type = 0;  // of the member or element
  };
  CoreType root;
  CoreKind kind = CoreKind::kByteOffset;
  std::vector<Step> steps;                // members: after the first index, which counts whole `root`s
  std::uint32_t first = 0;                // that index; the index of an enumerator
  std::int64_t enumerator = 0;            // its value ...
  std::string_view enumerator_name = {};  // ... and name
  std::uint64_t bit_offset = 0;           // of a member
  std::uint32_t type = 0;                 // of the member or element
  std::uint32_t bits = 0;                 // width of a bit field; 0 for others
  bool is_member = false;                 // the last step has a name

  // "struct iphdr.saddr", "enum xdp_action.XDP_TX".
  [[nodiscard]] std::string text() const;
};

// Reads "0:1:2" against the object's own types. The error says what is wrong with it; neither its answer nor that of
// find_core_access counts when the work is exhausted afterwards.
Result<CoreAccess> parse_core_access(CoreType root, CoreKind kind, std::string_view text, CoreWork& work);

// The same access on `candidate`, or nothing when it has no such thing.
std::optional<CoreAccess> find_core_access(const CoreAccess& local, CoreType candidate, CoreWork& work);

// What an access is worth: the number that the instruction gets.
struct CoreValue {
  std::uint64_t value = 0;
  std::uint32_t memory = 0;    // bytes, of a member that a load or store reaches; 0 = does not matter
  std::uint32_t type = 0;      // of that member
  bool in_instruction = true;  // the compiler left the local value where it is patched
};
// Null `access`: it was not found. Nothing when there is no value then; an error when there cannot be one.
Result<std::optional<CoreValue>> core_value(CoreKind kind, const CoreAccess* access);

}  // namespace sluice::vm
