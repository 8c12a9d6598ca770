#include "verifier/scalar.h"

#include "verifier/scalar_impl.h"

namespace sluice::verifier {

template class ScalarT<64>;
template Scalar alu(vm::AluOp, bool, const Scalar&, const Scalar&);
template Scalar zero_extend_bits(const Scalar&, unsigned);
template Scalar sign_extend_bits(const Scalar&, unsigned);
template Truth branch(vm::Cond, bool, const Scalar&, const Scalar&);
template bool refine(vm::Cond, bool, bool, Scalar&, Scalar&);
template Scalar join(const Scalar&, const Scalar&);

Scalar unknown_bytes(unsigned bytes) {
  static const Scalar kBytes[] = {zero_extend(Scalar::unknown(), 1), zero_extend(Scalar::unknown(), 2),
                                  zero_extend(Scalar::unknown(), 4), Scalar::unknown()};
  return kBytes[bytes >= 8 ? 3 : bytes / 2];  // 1, 2, 4
}

Scalar endian(vm::EndianOp op, const Scalar& a, unsigned bytes) {
  if (op == vm::EndianOp::kToLittle || bytes > 8) return zero_extend(a, bytes);
  const auto swap = [bytes](std::uint64_t x) { return __builtin_bswap64(x) >> (64 - 8 * bytes); };
  return Scalar::of_bits({swap(a.bits().value), swap(a.bits().mask)});
}

}  // namespace sluice::verifier
