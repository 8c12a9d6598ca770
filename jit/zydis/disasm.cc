#include "jit/disasm.h"

#include <Zydis/Zydis.h>
#include <fmt/format.h>

namespace sluice::jit {
namespace {

constexpr std::size_t kBytesColumn = 30;  // ten bytes; longer instructions push their text to the right

}  // namespace

std::string disassemble(std::span<const std::byte> code, std::uint32_t offset, std::uint64_t address) {
  std::string text;
  std::size_t at = 0;
  while (at < code.size()) {
    ZydisDisassembledInstruction instruction;
    const bool known = ZYAN_SUCCESS(ZydisDisassembleIntel(ZYDIS_MACHINE_MODE_LONG_64, address + at, code.data() + at,
                                                          code.size() - at, &instruction));
    const std::size_t length = known ? instruction.info.length : 1;
    std::string bytes;
    for (const std::byte byte : code.subspan(at, length)) bytes += fmt::format("{:02x} ", static_cast<unsigned>(byte));
    text += fmt::format("{:6x}:  {:<{}} {}\n", offset + at, bytes, kBytesColumn, known ? instruction.text : "??");
    at += length;
  }
  return text;
}

}  // namespace sluice::jit
