#pragma once
// What the machine does with numbers of N bits, N <= 8, in plain integers and independent of vm/alu.h (which knows only
// the widths of C++ types). Shift amounts count modulo N.
#include <array>
#include <cstdint>
#include <string_view>

#include "vm/isa.h"

namespace sluice::verifier::small_width {

inline constexpr std::array kAluOps{
    vm::AluOp::kAdd, vm::AluOp::kSub, vm::AluOp::kMul,    vm::AluOp::kDiv,     vm::AluOp::kSdiv,    vm::AluOp::kOr,
    vm::AluOp::kAnd, vm::AluOp::kLsh, vm::AluOp::kRsh,    vm::AluOp::kNeg,     vm::AluOp::kMod,     vm::AluOp::kSmod,
    vm::AluOp::kXor, vm::AluOp::kMov, vm::AluOp::kMovsx8, vm::AluOp::kMovsx16, vm::AluOp::kMovsx32, vm::AluOp::kArsh};
inline constexpr std::array<std::string_view, 18> kAluNames{"add", "sub", "mul",    "div",     "sdiv",    "or",
                                                            "and", "lsh", "rsh",    "neg",     "mod",     "smod",
                                                            "xor", "mov", "movsx8", "movsx16", "movsx32", "arsh"};
inline constexpr std::array kConds{vm::Cond::kEq, vm::Cond::kGt,  vm::Cond::kGe,  vm::Cond::kSet,
                                   vm::Cond::kNe, vm::Cond::kSgt, vm::Cond::kSge, vm::Cond::kLt,
                                   vm::Cond::kLe, vm::Cond::kSlt, vm::Cond::kSle};
inline constexpr std::array<std::string_view, 11> kCondNames{"eq",  "gt", "ge", "set", "ne", "sgt",
                                                             "sge", "lt", "le", "slt", "sle"};

constexpr int sign(unsigned x, unsigned n) {
  const int value = static_cast<int>(x);
  return value >= 1 << (n - 1) ? value - (1 << n) : value;
}

constexpr unsigned alu(vm::AluOp op, unsigned n, unsigned a, unsigned b) {
  const unsigned all = (1U << n) - 1;
  const unsigned amount = b % n;
  const int sa = sign(a, n);
  const int sb = sign(b, n);
  switch (op) {
    case vm::AluOp::kAdd: return (a + b) & all;
    case vm::AluOp::kSub: return (a - b) & all;
    case vm::AluOp::kMul: return (a * b) & all;
    case vm::AluOp::kDiv: return b == 0 ? 0 : a / b;
    case vm::AluOp::kSdiv: return b == 0 ? 0 : static_cast<unsigned>(sa / sb) & all;
    case vm::AluOp::kOr: return a | b;
    case vm::AluOp::kAnd: return a & b;
    case vm::AluOp::kLsh: return (a << amount) & all;
    case vm::AluOp::kRsh: return a >> amount;
    case vm::AluOp::kNeg: return (0 - a) & all;
    case vm::AluOp::kMod: return b == 0 ? a : a % b;
    case vm::AluOp::kSmod: return b == 0 ? a : static_cast<unsigned>(sa % sb) & all;
    case vm::AluOp::kXor: return a ^ b;
    case vm::AluOp::kMov:
    case vm::AluOp::kMovsx8:
    case vm::AluOp::kMovsx16:
    case vm::AluOp::kMovsx32: return b;  // no narrower than N
    case vm::AluOp::kArsh: return static_cast<unsigned>(sa >> amount) & all;
  }
  return 0;
}

constexpr bool compare(vm::Cond cond, unsigned n, unsigned a, unsigned b) {
  switch (cond) {
    case vm::Cond::kEq: return a == b;
    case vm::Cond::kNe: return a != b;
    case vm::Cond::kSet: return (a & b) != 0;
    case vm::Cond::kGt: return a > b;
    case vm::Cond::kGe: return a >= b;
    case vm::Cond::kLt: return a < b;
    case vm::Cond::kLe: return a <= b;
    case vm::Cond::kSgt: return sign(a, n) > sign(b, n);
    case vm::Cond::kSge: return sign(a, n) >= sign(b, n);
    case vm::Cond::kSlt: return sign(a, n) < sign(b, n);
    case vm::Cond::kSle: return sign(a, n) <= sign(b, n);
  }
  return false;
}

}  // namespace sluice::verifier::small_width
