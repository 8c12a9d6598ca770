// libFuzzer target: any bytes as an object file. The loader answers with an error that says something or with an object
// whose references are all inside; its types can be walked and printed. Seeds: the objects of programs/ and
// tests/objects.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

#include "vm/elf.h"

namespace sluice {
namespace {

void demand(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

void check_program(const vm::LoadedProgram& program) {
  demand(!program.insns.empty(), "a program without instructions");
  demand(!program.subprograms.empty() && program.subprograms[0].start == 0, "a program without a first function");
  demand(std::ranges::is_sorted(program.subprograms, std::ranges::less_equal{}, &vm::Subprogram::start),
         "functions out of order");
  demand(program.subprograms.back().start < program.insns.size(), "a function past the end");
  for (const vm::SourceLine& line : program.lines) demand(line.insn < program.insns.size(), "a line past the end");
}

void check_types(const vm::Btf& btf) {
  for (std::uint32_t id = 0; id <= btf.type_count(); ++id) {
    (void)btf.size(id);
    (void)btf.members(id);
    (void)btf.enumerators(id);
  }
  (void)btf.to_c();
}

void load(std::span<const std::byte> image, bool list_only) {
  vm::ElfOptions options;
  options.unknown_type = &vm::xdp_type();
  options.list_only = list_only;
  const auto object = vm::parse_elf(image, "fuzz.o", options);
  if (!object) return demand(!object.error().message.empty(), "a refusal without words");
  for (const vm::LoadedProgram& program : object->programs) check_program(program);
  for (const vm::MapDecl& map : object->maps) {
    const bool section = map.origin != vm::MapDecl::Origin::kDeclared;
    demand(!section || map.initial.size() == map.spec.value_size, "a section's map of another size");
  }
  if (object->btf != nullptr) check_types(*object->btf);
}

}  // namespace
}  // namespace sluice

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto image = std::as_bytes(std::span(data, size));
  sluice::load(image, false);
  sluice::load(image, true);
  return 0;
}
