#include "vm/elf_file.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include <elf.h>
#include <fmt/format.h>
#include <gelf.h>
#include <libelf.h>

namespace sluice::vm {
namespace {

Error error(std::string message) { return {ErrorCode::kProgram, std::move(message)}; }

struct EndElf {
  void operator()(Elf* elf) const { elf_end(elf); }
};

template <typename T>
T read(std::span<const std::byte> bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

// Of a field of the ELF header.
Error header_error(std::string_view field, std::string_view message) {
  return error(fmt::format("ELF header: {}: {}", field, message));
}

ElfSymbol::Type type_of(unsigned char info) {
  switch (ELF64_ST_TYPE(info)) {
    case STT_NOTYPE: return ElfSymbol::Type::kNone;
    case STT_OBJECT: return ElfSymbol::Type::kObject;
    case STT_FUNC: return ElfSymbol::Type::kFunction;
    case STT_SECTION: return ElfSymbol::Type::kSection;
    case STT_FILE: return ElfSymbol::Type::kFile;
    default: return ElfSymbol::Type::kOther;
  }
}

}  // namespace

// Fills an ElfFile step by step.
class ElfReader {
 public:
  explicit ElfReader(std::span<const std::byte> image) {
    file_.image_.resize(image.size());
    if (!image.empty()) std::memcpy(file_.image_.data(), image.data(), image.size());
  }

  Result<ElfFile> run() {
    if (auto done = open(); !done) return done.error();
    if (auto done = read_sections(); !done) return done.error();
    if (auto done = read_symbols(); !done) return done.error();
    if (auto done = read_relocations(); !done) return done.error();
    return std::move(file_);
  }

 private:
  Result<void> open() {
    if (elf_version(EV_CURRENT) == EV_NONE) return Error{ErrorCode::kEnvironment, "libelf is too old"};
    const std::size_t size = file_.image_.size();
    if (size < SELFMAG || std::memcmp(file_.image_.data(), ELFMAG, SELFMAG) != 0) {
      return error("not an ELF file (ELF header: no magic at offset 0 of the file)");
    }
    if (size < sizeof(Elf64_Ehdr)) {
      return error(
          fmt::format("not an ELF file (ELF header: {} bytes of {}, which may be cut off)", size, sizeof(Elf64_Ehdr)));
    }
    return check_header();
  }

  Result<void> check_header() {
    elf_.reset(elf_memory(file_.image_.data(), file_.image_.size()));
    GElf_Ehdr& header = header_;
    if (!elf_ || elf_kind(elf_.get()) != ELF_K_ELF || gelf_getehdr(elf_.get(), &header) == nullptr) {
      return header_error("e_ident", std::string("not a readable ELF file: ") + elf_errmsg(-1));
    }
    if (header.e_ident[EI_CLASS] != ELFCLASS64) {
      return header_error("e_ident[EI_CLASS]", "not a 64-bit ELF file");
    }
    if (header.e_ident[EI_DATA] != ELFDATA2LSB) {
      return header_error("e_ident[EI_DATA]",
                          "big-endian BPF object, expected little-endian (clang -target bpf or bpfel)");
    }
    // Old LLVM left the machine unset.
    if (header.e_machine != EM_BPF && header.e_machine != EM_NONE) {
      return header_error("e_machine",
                          fmt::format("object for ELF machine {}, expected {} (BPF): compile with clang -target bpf",
                                      header.e_machine, EM_BPF));
    }
    if (header.e_type != ET_REL) {
      return header_error("e_type", fmt::format("ELF type {}, expected {} (relocatable)", header.e_type, ET_REL));
    }
    return {};
  }

  // libelf takes a file whose section table is cut off for one without sections.
  Result<void> check_section_table() const {
    const std::uint64_t size = file_.image_.size();
    const std::uint64_t bytes = std::max<std::uint64_t>(header_.e_shnum, 1) * sizeof(Elf64_Shdr);
    if (header_.e_shoff == 0 || (header_.e_shoff <= size && bytes <= size - header_.e_shoff)) return {};
    return header_error("e_shoff", fmt::format("section table: {} bytes at {} lie outside the file of {} bytes, which "
                                               "may be cut off",
                                               bytes, header_.e_shoff, size));
  }

  Result<void> read_sections() {
    if (auto done = check_section_table(); !done) return done;
    std::size_t count = 0;
    std::size_t names = 0;
    if (elf_getshdrnum(elf_.get(), &count) != 0 || elf_getshdrstrndx(elf_.get(), &names) != 0) {
      return header_error("e_shnum and e_shstrndx", std::string("section table: ") + elf_errmsg(-1));
    }
    file_.sections_.resize(std::max<std::size_t>(count, 1));
    file_.relocations_.resize(file_.sections_.size());
    headers_.resize(file_.sections_.size());
    for (std::size_t i = 1; i < count; ++i) {
      if (auto done = read_section(static_cast<std::uint32_t>(i), names); !done) return done;
    }
    return {};
  }

  // Of an entry of the section table.
  [[nodiscard]] Error section_error(std::uint32_t index, std::string_view message) const {
    return error(fmt::format("offset {} of the file: header of section {}: {}",
                             header_.e_shoff + std::uint64_t{index} * sizeof(Elf64_Shdr), index, message));
  }

  Result<void> read_section(std::uint32_t index, std::size_t names) {
    Elf_Scn* scn = elf_getscn(elf_.get(), index);
    GElf_Shdr& header = headers_[index];
    if (scn == nullptr || gelf_getshdr(scn, &header) == nullptr) {
      return section_error(index, elf_errmsg(-1));
    }
    const char* name = elf_strptr(elf_.get(), names, header.sh_name);
    if (name == nullptr) return section_error(index, "its name lies outside the string table");
    ElfSection& section = file_.sections_[index];
    section.index = index;
    section.name = name;
    section.size = header.sh_size;
    section.is_zero = header.sh_type == SHT_NOBITS;
    const bool program_bits = header.sh_type == SHT_PROGBITS;
    section.is_code = program_bits && (header.sh_flags & SHF_EXECINSTR) != 0;
    section.is_data = program_bits && !section.is_code && (header.sh_flags & SHF_ALLOC) != 0;
    if (section.is_zero || header.sh_type == SHT_NULL) return {};
    const std::uint64_t size = file_.image_.size();
    if (header.sh_offset > size || header.sh_size > size - header.sh_offset) {
      return section_error(index, fmt::format("section \"{}\": {} bytes at {} lie outside the file of {} bytes",
                                              section.name, header.sh_size, header.sh_offset, size));
    }
    section.data = std::as_bytes(std::span(file_.image_)).subspan(header.sh_offset, header.sh_size);
    return {};
  }

  Result<void> read_symbols() {
    for (std::uint32_t i = 1; i < headers_.size(); ++i) {
      if (headers_[i].sh_type != SHT_SYMTAB) continue;
      if (symbol_table_ != 0) return section_error(i, "a second symbol table, expected one");
      symbol_table_ = i;
      const auto data = file_.sections_[i].data;
      for (std::size_t at = 0; at + sizeof(Elf64_Sym) <= data.size(); at += sizeof(Elf64_Sym)) {
        if (auto done = read_symbol(read<Elf64_Sym>(data, at)); !done) {
          return Error(done.error()).in(place_in(file_.sections_[i].name, at));
        }
      }
    }
    return {};
  }

  Result<void> read_symbol(const Elf64_Sym& raw) {
    const std::size_t number = file_.symbols_.size();
    const char* name = elf_strptr(elf_.get(), headers_[symbol_table_].sh_link, raw.st_name);
    if (name == nullptr) return error(fmt::format("symbol {}: its name lies outside the string table", number));
    ElfSymbol symbol;
    symbol.name = name;
    symbol.value = raw.st_value;
    symbol.size = raw.st_size;
    symbol.type = type_of(raw.st_info);
    symbol.is_local = ELF64_ST_BIND(raw.st_info) == STB_LOCAL;
    symbol.is_weak = ELF64_ST_BIND(raw.st_info) == STB_WEAK;
    const auto visibility = ELF64_ST_VISIBILITY(raw.st_other);
    symbol.is_hidden = visibility == STV_HIDDEN || visibility == STV_INTERNAL;
    if (raw.st_shndx >= SHN_LORESERVE) {
      symbol.section = kNoSection;
    } else if (raw.st_shndx >= file_.sections_.size()) {
      return error(fmt::format("symbol \"{}\" is in section {}, the last one is {}", name, raw.st_shndx,
                               file_.sections_.size() - 1));
    } else {
      symbol.section = raw.st_shndx;
      if (symbol.section != 0 && symbol.value > file_.sections_[symbol.section].size) {
        return error(fmt::format("symbol \"{}\" at {} lies outside section \"{}\" of {} bytes", name, symbol.value,
                                 file_.sections_[symbol.section].name, file_.sections_[symbol.section].size));
      }
    }
    file_.symbols_.push_back(symbol);
    return {};
  }

  Result<void> read_relocations() {
    for (std::uint32_t i = 1; i < headers_.size(); ++i) {
      const GElf_Shdr& header = headers_[i];
      if (header.sh_type != SHT_REL && header.sh_type != SHT_RELA) continue;
      const ElfSection& section = file_.sections_[i];
      if (header.sh_info >= headers_.size()) {
        return section_error(i, fmt::format("section \"{}\" relocates section {}, the last one is {}", section.name,
                                            header.sh_info, headers_.size() - 1));
      }
      const bool rela = header.sh_type == SHT_RELA;
      const std::size_t step = rela ? sizeof(Elf64_Rela) : sizeof(Elf64_Rel);
      std::vector<ElfRelocation>& list = file_.relocations_[header.sh_info];
      for (std::size_t at = 0; at + step <= section.data.size(); at += step) {
        const auto raw = read<Elf64_Rel>(section.data, at);
        ElfRelocation relocation;
        relocation.offset = raw.r_offset;
        relocation.type = static_cast<std::uint32_t>(ELF64_R_TYPE(raw.r_info));
        relocation.symbol = static_cast<std::uint32_t>(ELF64_R_SYM(raw.r_info));
        relocation.has_addend = rela;
        if (rela) relocation.addend = read<Elf64_Rela>(section.data, at).r_addend;
        if (relocation.symbol >= file_.symbols_.size()) {
          return error(fmt::format("{}: relocation of offset {} names symbol {} of {}", place_in(section.name, at),
                                   relocation.offset, relocation.symbol, file_.symbols_.size()));
        }
        list.push_back(relocation);
      }
      std::ranges::stable_sort(list, {}, &ElfRelocation::offset);
    }
    return {};
  }

  ElfFile file_;
  std::unique_ptr<Elf, EndElf> elf_;
  GElf_Ehdr header_{};
  std::vector<GElf_Shdr> headers_;
  std::uint32_t symbol_table_ = 0;
};

std::string place_in(std::string_view section, std::uint64_t offset) {
  return fmt::format("offset {} of \"{}\"", offset, section);
}

Result<ElfFile> ElfFile::parse(std::span<const std::byte> image) { return ElfReader(image).run(); }

const ElfSection* ElfFile::section(std::string_view name) const noexcept {
  const auto found = std::ranges::find(sections_, name, &ElfSection::name);
  return found == sections_.end() ? nullptr : &*found;
}

}  // namespace sluice::vm
