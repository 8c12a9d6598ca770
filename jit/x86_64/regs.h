#pragma once
// Which machine register holds which BPF register: the kernel's map, so that helper arguments are in place (System V
// ABI). r12 holds the ExecEnv from the outermost entry on; r9, r10, r11 are free between instructions; rsp is fixed
// within a sub-program.
#include <array>

#include <xbyak/xbyak.h>

#include "vm/isa.h"

namespace sluice::jit::x86_64 {

using Xbyak::Operand;
using Xbyak::Reg32;
using Xbyak::Reg64;

constexpr std::array<int, vm::kRegisters> kMachineRegister = {
    Operand::RAX,                                                         // r0: result
    Operand::RDI, Operand::RSI, Operand::RDX, Operand::RCX, Operand::R8,  // r1..r5: arguments
    Operand::RBX, Operand::R13, Operand::R14, Operand::R15,               // r6..r9: kept over calls
    Operand::RBP,                                                         // r10: top of the stack frame
};

inline Reg64 reg64(unsigned bpf) { return Reg64(kMachineRegister[bpf]); }
inline Reg32 reg32(unsigned bpf) { return Reg32(kMachineRegister[bpf]); }

}  // namespace sluice::jit::x86_64
