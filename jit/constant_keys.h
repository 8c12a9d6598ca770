#pragma once
// Where keys of look-ups are, and numbers that a program writes there just before: what the verifier does not keep, as
// it knows numbers only at the start of a stack slot, but compilers put a key of 4 bytes anywhere. Pure: any thread.
#include "jit/lower.h"

namespace sluice::jit {

// Sets Op::key, where it is not known yet, of look-ups in arrays and LPM tries whose key has 4 bytes (the prefix
// length, of tries) that were written as a number between the last jump target or call and the look-up; and Op::key_at
// of look-ups whose r2 was made there.
void find_constant_keys(const vm::Facts& facts, Lowered& lowered);

}  // namespace sluice::jit
