#pragma once
// Types of an object beside the types of where it runs (CO-RE): when they are alike. Rules: kernel
// Documentation/bpf/llvm_reloc.rst "CO-RE Relocations", linux/bpf.h struct bpf_core_relo; libbpf is the oracle. Control
// path.
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vm/btf.h"

namespace sluice::vm {

// A type of one BTF.
struct CoreType {
  const Btf* btf = nullptr;
  std::uint32_t id = 0;
};

// Bounds the work of comparing types, whose cost hostile types would multiply: one for all relocations of an object. A
// step is about one member, enumerator or type looked at, or 64 bytes of names.
class CoreWork {
 public:
  static constexpr std::uint64_t kMost = std::uint64_t{1} << 24;

  // False when more than kMost steps are spent now: then the answer does not count, and nothing more is compared.
  bool spend(std::uint64_t steps) noexcept {
    spent_ += steps;
    return !is_exhausted();
  }
  [[nodiscard]] bool is_exhausted() const noexcept { return spent_ > kMost; }
  [[nodiscard]] std::uint64_t spent() const noexcept { return spent_; }

 private:
  std::uint64_t spent_ = 0;
};

// Btf::members and Btf::enumerators, counted; empty when there is no work left.
std::vector<Btf::Member> members_of(CoreType type, CoreWork& work);
std::vector<Btf::Enumerator> enumerators_of(CoreType type, CoreWork& work);

// `name` without its flavour: "task___v2" is "task".
std::string_view essential_name(std::string_view name) noexcept;

// Whether a member of type `local` may be `target`.
bool are_members_alike(CoreType local, CoreType target);
// Whether something that is known to be a `local` may be a `target`, names apart (bpf_core_type_exists, _type_size).
bool are_types_alike(CoreType local, CoreType target, CoreWork& work);
// Whether all of `local` is in `target` (bpf_core_type_matches).
bool does_type_match(CoreType local, CoreType target, CoreWork& work);

// Types to relocate against, by their essential name.
class CoreTarget {
 public:
  explicit CoreTarget(const Btf& btf);
  [[nodiscard]] const Btf& btf() const noexcept { return btf_; }
  // Of `local`'s name and kind.
  [[nodiscard]] std::vector<CoreType> candidates(CoreType local, CoreWork& work) const;

 private:
  const Btf& btf_;
  std::map<std::string_view, std::vector<std::uint32_t>, std::less<>> by_name_;
};

}  // namespace sluice::vm
