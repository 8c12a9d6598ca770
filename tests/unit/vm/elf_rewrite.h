#pragma once
// Objects as other compilers write them, made from clang's: the same contents in another form.
#include <elf.h>
#include <cstring>
#include <vector>

namespace sluice::vm {

inline Elf64_Ehdr header_of(const std::vector<std::byte>& image) {
  Elf64_Ehdr header;
  std::memcpy(&header, image.data(), sizeof(header));
  return header;
}

// Calls f(section header) for each and writes it back.
template <typename F>
void each_section(std::vector<std::byte>& image, F&& f) {
  const Elf64_Ehdr header = header_of(image);
  for (unsigned i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr section;
    const std::size_t at = header.e_shoff + i * sizeof(section);
    std::memcpy(&section, image.data() + at, sizeof(section));
    f(section);
    std::memcpy(image.data() + at, &section, sizeof(section));
  }
}

inline Elf64_Shdr section_at(const std::vector<std::byte>& image, unsigned index) {
  Elf64_Shdr section;
  std::memcpy(&section, image.data() + header_of(image).e_shoff + index * sizeof(section), sizeof(section));
  return section;
}

// The machine that LLVM before 4 wrote.
inline std::vector<std::byte> without_machine(std::vector<std::byte> image) {
  Elf64_Ehdr header = header_of(image);
  header.e_machine = EM_NONE;
  std::memcpy(image.data(), &header, sizeof(header));
  return image;
}

// Global symbols without a type, as old LLVM left them.
inline std::vector<std::byte> without_symbol_types(std::vector<std::byte> image) {
  each_section(image, [&image](const Elf64_Shdr& section) {
    for (std::size_t at = 0; section.sh_type == SHT_SYMTAB && at < section.sh_size; at += sizeof(Elf64_Sym)) {
      Elf64_Sym symbol;
      std::memcpy(&symbol, image.data() + section.sh_offset + at, sizeof(symbol));
      if (ELF64_ST_BIND(symbol.st_info) != STB_GLOBAL) continue;
      symbol.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE);
      symbol.st_size = 0;
      std::memcpy(image.data() + section.sh_offset + at, &symbol, sizeof(symbol));
    }
  });
  return image;
}

// What stands in the patched place: bytes from the symbol.
inline std::int64_t addend_of(const std::vector<std::byte>& image, std::size_t place, std::uint32_t type) {
  std::int32_t low = 0, high = 0;
  if (type == 2) {  // R_BPF_64_ABS64
    std::int64_t whole = 0;
    std::memcpy(&whole, image.data() + place, sizeof(whole));
    return whole;
  }
  std::memcpy(&low, image.data() + place + 4, sizeof(low));
  if (type == 10) return (std::int64_t{low} + 1) * 8;  // R_BPF_64_32
  std::memcpy(&high, image.data() + place + 12, sizeof(high));
  return static_cast<std::int64_t>(std::uint64_t{static_cast<std::uint32_t>(high)} << 32 |
                                   static_cast<std::uint32_t>(low));
}

// Relocations with addends (RELA) where clang writes REL, and nothing but them: the patched places hold other bytes.
inline std::vector<std::byte> with_addends(std::vector<std::byte> image) {
  each_section(image, [&image](Elf64_Shdr& section) {
    const Elf64_Shdr patched = section_at(image, section.sh_info);
    if (section.sh_type != SHT_REL || patched.sh_type != SHT_PROGBITS || (patched.sh_flags & SHF_ALLOC) == 0) return;
    const std::size_t start = (image.size() + 7) & ~std::size_t{7};
    const std::size_t count = section.sh_size / sizeof(Elf64_Rel);
    image.resize(start + count * sizeof(Elf64_Rela));
    for (std::size_t i = 0; i < count; ++i) {
      Elf64_Rela relocation{};
      std::memcpy(&relocation, image.data() + section.sh_offset + i * sizeof(Elf64_Rel), sizeof(Elf64_Rel));
      const auto type = static_cast<std::uint32_t>(ELF64_R_TYPE(relocation.r_info));
      const std::size_t place = patched.sh_offset + relocation.r_offset;
      relocation.r_addend = addend_of(image, place, type);
      std::memset(image.data() + place + (type == 2 ? 0 : 4), 0x55, 4);
      std::memcpy(image.data() + start + i * sizeof(relocation), &relocation, sizeof(relocation));
    }
    section.sh_type = SHT_RELA;
    section.sh_offset = start;
    section.sh_size = count * sizeof(Elf64_Rela);
    section.sh_entsize = sizeof(Elf64_Rela);
  });
  return image;
}

}  // namespace sluice::vm
