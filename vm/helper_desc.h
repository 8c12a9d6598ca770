#pragma once
// The shape of a helper function and of the table of helpers. One row serves the verifier (args, ret, effect), the
// interpreter and the JIT (fn) and the docs (doc). The list itself is helpers/table.cc: nobody below knows it,
// everybody is handed a HelperTable. Constant after construction: any thread.
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "vm/exec_env.h"

namespace sluice::vm {

// r1..r5 as the program left them, then the environment. Returns r0. Called on the data path: allocates nothing,
// logs nothing, makes no system call.
using HelperFn = std::uint64_t (*)(std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t,
                                   ExecEnv&) noexcept;

enum class ArgKind : std::uint8_t {
  kNone,         // the argument is not used
  kAnything,     // any initialised value, pointers included
  kScalar,       // an initialised number
  kContext,      // the program's context, unmodified
  kConstMap,     // a map (lddw), of a type listed in `map_types` when that is not empty
  kMapKey,       // readable memory of the map's key size
  kMapValue,     // readable memory of the map's value size
  kMapValueOut,  // the same, writable, and need not be initialised; but see peek_reads_value (vm/maps/map.h)
  kReadMem,      // readable memory; its size is the next argument
  kReadMemOrNull,
  kWriteMem,    // writable memory that need not be initialised; its size is the next argument
  kSize,        // bytes of the memory before it, 1..
  kSizeOrZero,  // bytes of the memory before it, 0..
  kSpinLock,    // the lock in a map's value (vm/special_fields.h)
  kAllocSize,   // a constant: bytes of the memory returned
  kRecord,      // what an earlier call gave that returns kRecordOrNull, at its start
};

enum class RetKind : std::uint8_t {
  kScalar,          // any 64-bit number
  kError,           // 0 or a negative errno: an int, sign-extended
  kMapValueOrNull,  // pointer to a value of the kConstMap argument's map, or null
  kRecordOrNull,    // pointer to as many bytes as the kAllocSize argument says, or null; to be given back
  kNothing,         // r0 holds nothing afterwards
};

enum class Effect : std::uint8_t {
  kNone,
  kMovesPacket,  // packet pointers obtained before are dead afterwards
  kTailCall,     // engines implement it themselves; returns only on failure; `fn` is null
  kLock,         // takes the kSpinLock argument: until kUnlock no helper is called
  kUnlock,       // gives it back
  kRelease,      // gives the kRecord argument back: its bytes are the program's no more
};

struct HelperDesc {
  std::int32_t id = 0;    // BPF_FUNC_*, linux/bpf.h
  std::string_view name;  // without "bpf_"
  std::array<ArgKind, 5> args{};
  RetKind ret = RetKind::kScalar;
  Effect effect = Effect::kNone;
  bool takes_packet = false;  // memory arguments may lie in the frame; pkt_access in the kernel's row
  HelperFn fn = nullptr;
  std::span<const std::uint32_t> map_types;  // MapType values the kConstMap argument may have; empty = any
  std::string_view doc;                      // one sentence for docs/helpers.md
};

// A view of rows ascending by id; the rows outlive it.
class HelperTable {
 public:
  constexpr explicit HelperTable(std::span<const HelperDesc> rows) : rows_(rows) {}
  // The row, or null when there is no such helper.
  [[nodiscard]] constexpr const HelperDesc* find(std::int32_t id) const noexcept {
    std::size_t low = 0;
    std::size_t high = rows_.size();
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      if (rows_[middle].id < id) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low < rows_.size() && rows_[low].id == id ? &rows_[low] : nullptr;
  }
  [[nodiscard]] constexpr std::span<const HelperDesc> rows() const noexcept { return rows_; }

 private:
  std::span<const HelperDesc> rows_;
};

// The kernel's name of a helper id ("fib_lookup" for 69), for messages about helpers that the table lacks; empty when
// the id is unknown.
std::string_view kernel_helper_name(std::int32_t id) noexcept;

}  // namespace sluice::vm
