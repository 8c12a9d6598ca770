#include "jit/disasm.h"

#include <algorithm>

#include <fmt/format.h>

namespace sluice::jit {

std::string disassemble(std::span<const std::byte> code, std::uint32_t offset, std::uint64_t /*address*/) {
  constexpr std::size_t kBytesALine = 16;
  std::string text;
  for (std::size_t at = 0; at < code.size(); at += kBytesALine) {
    text += fmt::format("{:6x}: ", offset + at);
    for (const std::byte byte : code.subspan(at, std::min(kBytesALine, code.size() - at))) {
      text += fmt::format(" {:02x}", static_cast<unsigned>(byte));
    }
    text += '\n';
  }
  return text;
}

}  // namespace sluice::jit
