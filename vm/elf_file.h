#pragma once
// The sections, symbols and relocations of a BPF object file, read through libelf and bounds-checked: everything here
// lies inside the image. Views live as long as the ElfFile. Control path, one thread.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sluice::vm {

// How messages name a place in an object: `offset 152 of "xdp"`. Bytes from the start of the section.
std::string place_in(std::string_view section, std::uint64_t offset);

struct ElfSection {
  std::string_view name;
  std::uint32_t index = 0;
  std::uint64_t size = 0;           // bytes in memory
  std::span<const std::byte> data;  // empty for sections without bytes in the file (.bss)
  bool is_code = false;             // PROGBITS and executable
  bool is_data = false;             // PROGBITS, allocated, not executable
  bool is_zero = false;             // NOBITS
};

struct ElfSymbol {
  enum class Type : std::uint8_t { kNone, kObject, kFunction, kSection, kFile, kOther };
  std::string_view name;
  std::uint64_t value = 0;    // bytes from the section's start
  std::uint64_t size = 0;     // bytes, 0 = unknown
  std::uint32_t section = 0;  // index into ElfFile::sections(), 0 = undefined; kNoSection = absolute, common
  Type type = Type::kNone;
  bool is_local = false;
  bool is_hidden = false;
  bool is_weak = false;
};
constexpr std::uint32_t kNoSection = UINT32_MAX;

struct ElfRelocation {
  std::uint64_t offset = 0;  // bytes from the start of the section it patches
  std::uint32_t type = 0;    // R_BPF_*
  std::uint32_t symbol = 0;  // index into ElfFile::symbols(), valid
  bool has_addend = false;   // RELA: `addend` stands for what the patched place holds
  std::int64_t addend = 0;
};

// R_BPF_*, LLVM docs BPFUsage "Relocations".
constexpr std::uint32_t kRelocation64 = 1;     // R_BPF_64_64: lddw
constexpr std::uint32_t kRelocationAbs64 = 2;  // R_BPF_64_ABS64: 8 bytes of data
constexpr std::uint32_t kRelocation32 = 10;    // R_BPF_64_32: call

class ElfFile {
 public:
  // Refuses what is no 64-bit little-endian BPF object. Copies the image.
  static Result<ElfFile> parse(std::span<const std::byte> image);

  // By section index; [0] is the empty null section.
  [[nodiscard]] std::span<const ElfSection> sections() const noexcept { return sections_; }
  [[nodiscard]] std::span<const ElfSymbol> symbols() const noexcept { return symbols_; }
  // Ascending by offset.
  [[nodiscard]] std::span<const ElfRelocation> relocations(std::uint32_t section) const noexcept {
    return relocations_[section];
  }
  // The first section called `name`, or null.
  [[nodiscard]] const ElfSection* section(std::string_view name) const noexcept;

 private:
  ElfFile() = default;
  friend class ElfReader;
  std::vector<char> image_;
  std::vector<std::string> names_;
  std::vector<ElfSection> sections_;
  std::vector<ElfSymbol> symbols_;
  std::vector<std::vector<ElfRelocation>> relocations_;  // by section index
};

}  // namespace sluice::vm
