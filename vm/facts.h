#pragma once
// What the verifier learnt about a program, for the engines. A fact holds on **all** paths; absent means assume
// nothing. Written once by the verifier, constant afterwards: any thread.
#include <array>
#include <cstdint>
#include <vector>

#include "vm/isa.h"

namespace sluice::vm {

enum class Region : std::uint8_t { kUnknown, kStack, kContext, kPacket, kPacketMeta, kMapValue, kMemory };

struct InsnFacts {
  bool reachable = false;
  // Loads, stores, atomics: the memory touched, in bytes from the region's start (stack: from r10, negative;
  // packet: from data). min..max is where the first byte may lie. kUnknown = more than one region, or nothing known.
  Region region = Region::kUnknown;
  std::int64_t min_offset = 0;
  std::int64_t max_offset = 0;
  // Map accesses, and helper calls with a map argument: index into LoadedProgram::maps; -1 = none or more than one.
  std::int32_t map = -1;
  // Helper calls with a known map: the index of a tail call, the key of a look-up in an array, or the prefix length in
  // that of one in an LPM trie, is this constant on all paths; -1 = not known.
  std::int64_t key_constant = -1;
  // kAlu, kLoad: the upper half of dst is zero afterwards whatever the instruction's width says.
  bool upper_zero = false;
};

// What the verifier claims of one register before an instruction, joined over all paths. Only recorded on request
// (verifier::Options::record_claims), for the state-embedding test.
struct RegisterClaim {
  enum class Kind : std::uint8_t { kNothing, kScalar, kPointer } kind = Kind::kNothing;
  std::uint64_t umin = 0, umax = ~std::uint64_t{0};
  std::int64_t smin = INT64_MIN, smax = INT64_MAX;
  std::uint64_t known_value = 0, unknown_mask = ~std::uint64_t{0};  // tnum: bits outside the mask equal known_value
};

struct Facts {
  std::vector<InsnFacts> insns;                               // one a slot
  std::vector<std::array<RegisterClaim, kRegisters>> claims;  // one a slot, or empty
  std::uint32_t stack_depth = 0;                              // bytes of the deepest call chain, at most kStackBytes
  // Bytes of stack to clear at entry: slots that some path reads before anything wrote them, one per sub-program,
  // as a mask of 8-byte slots (bit 0 = r10-8). Indexed like LoadedProgram::subprograms.
  std::vector<std::uint64_t> slots_to_clear;
  std::vector<std::uint32_t> frame_bytes;     // stack bytes each sub-program uses, a multiple of 8
  std::vector<std::uint32_t> tail_call_maps;  // indices into LoadedProgram::maps, ascending
  // Verdicts the program may return: bit v for v < 31, bit 31 for any other number. Tail calls not followed.
  std::uint32_t may_return = ~std::uint32_t{0};
  bool moves_packet = false;  // calls a helper that moves packet pointers, or a sub-program that makes tail calls
  bool makes_tail_calls = false;
};

}  // namespace sluice::vm
