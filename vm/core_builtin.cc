#include "vm/core_builtin.h"

#include <cstring>

#include "base/check.h"
#include "vm/elf_file.h"
#include "vm/whole_file.h"

namespace sluice::vm {
namespace {

constexpr std::uint8_t kObject[] = {
#include "vm/uapi_types.inc"
};

Result<Btf> read_types(std::span<const std::byte> image) {
  constexpr std::byte kElf[] = {std::byte{0x7f}, std::byte{'E'}, std::byte{'L'}, std::byte{'F'}};
  if (image.size() < sizeof(kElf) || std::memcmp(image.data(), kElf, sizeof(kElf)) != 0) return Btf::parse(image);
  const auto file = ElfFile::parse(image);
  if (!file) return file.error();
  const ElfSection* const section = file->section(".BTF");
  if (section == nullptr) return Error{ErrorCode::kProgram, "no section .BTF"};
  auto types = Btf::parse(section->data);
  if (!types) return std::move(types).error().in("section \".BTF\"");
  return types;
}

}  // namespace

std::shared_ptr<const Btf> builtin_types() {
  static const std::shared_ptr<const Btf> types = [] {
    auto read = read_types(std::as_bytes(std::span(kObject)));
    SLUICE_CHECK(read.has_value());
    return std::make_shared<const Btf>(std::move(*read));
  }();
  return types;
}

Result<std::shared_ptr<const Btf>> load_types(const std::string& path) {
  const auto bytes = read_whole_file(path);
  if (!bytes) return Error(bytes.error()).in(path);
  auto read = read_types(*bytes);
  if (!read) return std::move(read).error().in(path);
  return std::make_shared<const Btf>(std::move(*read));
}

}  // namespace sluice::vm
