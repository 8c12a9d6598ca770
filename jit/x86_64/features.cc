#include "jit/x86_64/features.h"

#include <xbyak/xbyak_util.h>

namespace sluice::jit::x86_64 {

Features detect_features() {
  const Xbyak::util::Cpu cpu;
  return {.bmi2 = cpu.has(Xbyak::util::Cpu::tBMI2), .movbe = cpu.has(Xbyak::util::Cpu::tMOVBE)};
}

}  // namespace sluice::jit::x86_64
