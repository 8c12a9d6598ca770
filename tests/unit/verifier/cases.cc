#include "tests/unit/verifier/cases.h"

#include <array>
#include <cstddef>

#include "verifier/proof.h"

namespace sluice::verifier::testing {
namespace {

std::shared_ptr<vm::Map> make(vm::MapType type, std::uint32_t key, std::uint32_t value, std::uint32_t entries,
                              std::uint32_t flags = 0) {
  vm::MapSpec spec;
  spec.name = "map";
  spec.type = type;
  spec.key_size = key;
  spec.value_size = value;
  spec.max_entries = entries;
  spec.flags = flags;
  return std::move(vm::make_map(spec, 2)).value();
}

}  // namespace

testing_support::Maps maps() {
  testing_support::Maps all{
      make(vm::MapType::kArray, 4, 16, 4),       make(vm::MapType::kHash, 8, 16, 16),
      make(vm::MapType::kProgArray, 4, 4, 4),    make(vm::MapType::kArray, 4, 64, 1),
      make(vm::MapType::kDevmap, 4, 4, 8),       make(vm::MapType::kArray, 4, 16, 1, vm::kMapReadOnlyProg),
      make(vm::MapType::kPercpuArray, 4, 16, 4), make(vm::MapType::kArray, 4, 16, 4, vm::kMapWriteOnlyProg),
      make(vm::MapType::kArray, 4, 8, 1)};
  const std::array<std::byte, 4> key{};
  std::array<std::byte, 8> value{};
  for (unsigned i = 0; i < value.size(); ++i) value[i] = static_cast<std::byte>(i + 1);
  all.back()->write(key.data(), value.data(), vm::UpdateMode::kAny);
  all.back()->freeze();
  return all;
}

Outcome verify_text(std::string_view text, const Options& options, const vm::ProgramType& type, RuleSet rules) {
  return verify_by(rules, testing_support::program_from_asm(text, type, maps()), helpers::table(), options);
}

std::string verdict(std::string_view text, const Options& options, const vm::ProgramType& type, RuleSet rules) {
  const Outcome outcome = verify_text(text, options, type, rules);
  return outcome.accepted() ? "accepted" : outcome.rejection().code;
}

}  // namespace sluice::verifier::testing
