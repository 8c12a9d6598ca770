#pragma once
// Programs that carry out the operations a frame asks for: a frame is a row of records {operation, result, argument,
// key, value}, and the program writes each result, and each value it read, into its record. So one run makes dozens of
// calls of helpers, and the frame that comes out tells what each answered.
#include <cstdint>
#include <string>
#include <vector>

#include "vm/maps/map.h"

namespace sluice::kernel {

struct RecordLayout {
  std::uint32_t key = 0, value = 0;  // bytes
  std::uint32_t records = 0;         // a frame

  // Places in a record.
  static constexpr std::uint32_t kOperation = 0;  // 1 byte, an index into the program's operations
  static constexpr std::uint32_t kResult = 4;     // 4 bytes, r0
  static constexpr std::uint32_t kArgument = 8;   // 8 bytes: flags and the like
  static constexpr std::uint32_t kKey = 16;
  [[nodiscard]] std::uint32_t value_at() const { return kKey + (key + 7) / 8 * 8; }
  [[nodiscard]] std::uint32_t size() const { return value_at() + (value + 7) / 8 * 8; }
  // Bytes: the first 256 are data of programs that need some.
  [[nodiscard]] std::uint32_t frame() const { return kData + records * size(); }
  static constexpr std::uint32_t kData = 256;
};

// What a record may ask for. Map 0 is the one compared.
enum class Operation : std::uint8_t {
  kLookup,        // copies the value; -2 where there is none
  kHasSocket,     // looks an XSKMAP up and reads queue_id, which here is the slot: it is not told
  kPoke,          // writes the first byte through the pointer
  kLookupPercpu,  // of the CPU `argument`
  kUpdate,        // with the flags `argument`
  kDelete,
  kPush,
  kPop,
  kPeek,
  kContains,     // peek of a BLOOM_FILTER
  kInnerLookup,  // of what lies in the inner map: key and value of those are in the record's value
  kInnerUpdate,
  kInnerDelete,
  kRedirect,     // redirect_map with the flags `argument`
  kRingOutput,   // the record's first key bytes say how many
  kRingSubmit,   // reserve with the flags `argument`, and submit
  kRingDiscard,  // likewise
  kRingTwo,      // two reservations, the second ends first
  kRingLarge,    // nearly all of the ring, discarded
  kRingQuery,    // `argument`
  kPerfOutput,   // flags `argument`
};

// `needs_data`: operations that output bytes, which are copied to the stack once a run.
std::string program_text(const RecordLayout& layout, const std::vector<Operation>& operations, bool needs_data);

// Program number `number` (1..) of a prog array: writes its number behind the path in the frame and calls the next slot
// that the list there names. Byte 0 counts, bytes 1.. are the path, bytes 64.. the list.
std::string chain_text(unsigned number);
constexpr std::uint32_t kChainFrame = 128;
constexpr std::uint32_t kChainList = 64;

}  // namespace sluice::kernel
