#include "jit/disasm.h"

namespace sluice::jit {

std::string disassemble(const CompiledProgram& program) {
  const std::span<const std::byte> code = program.code();
  const std::span<const std::uint32_t> offsets = program.offsets();
  const auto part = [&](std::uint32_t from, std::uint32_t to) {
    return disassemble(code.subspan(from, to - from), from, reinterpret_cast<std::uint64_t>(code.data() + from));
  };
  std::string text = "entry:\n" + part(0, offsets[0]);
  for (std::size_t slot = 0; slot + 1 < offsets.size(); ++slot) {
    if (offsets[slot] == offsets[slot + 1]) continue;  // no code of its own: translated with the one before it
    text += "slot " + std::to_string(slot) + ":\n" + part(offsets[slot], offsets[slot + 1]);
  }
  return text;
}

}  // namespace sluice::jit
