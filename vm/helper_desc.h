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
  kWriteMem,  // writable memory that need not be initialised; its size is the next argument
  kInOutMem,  // memory that is read and written; its size is the next argument
  kInOutMemOrNull,
  kFixedMem,         // readable memory of `fixed_size` bytes
  kFixedMemInOut,    // memory of `fixed_size` bytes, aligned to them, that is read and written
  kConstString,      // an address in a map nobody changes any more, with a zero byte behind it in the value
  kSize,             // bytes of the memory before it, 1..
  kSizeOrZero,       // bytes of the memory before it, 0..
  kCallback,         // the address of a static function of the program (lddw)
  kCallbackContext,  // what that function is handed: an address on the stack, or null
  kSpinLock,         // the lock in a map's value (vm/special_fields.h)
  kTimer,            // the timer in a map's value; a kConstMap argument beside it is the map it lies in
  kAllocSize,        // a constant: bytes of the memory returned
  kRecord,           // what an earlier call gave that returns kRecordOrNull, at its start
  kSocket,           // what an earlier call gave that returns kSocketOrNull or kSocketCommonOrNull
};

// Memory that the helper may leave something in.
constexpr bool is_written(ArgKind kind) noexcept {
  return kind == ArgKind::kMapValueOut || kind == ArgKind::kWriteMem || kind == ArgKind::kInOutMem ||
         kind == ArgKind::kInOutMemOrNull || kind == ArgKind::kFixedMemInOut;
}
// Memory that need not be initialised.
constexpr bool is_only_written(ArgKind kind) noexcept {
  return kind == ArgKind::kMapValueOut || kind == ArgKind::kWriteMem;
}

enum class RetKind : std::uint8_t {
  kScalar,          // any 64-bit number
  kError,           // 0 or a negative errno: an int, sign-extended
  kMapValueOrNull,  // pointer to a value of the kConstMap argument's map, or null
  kRecordOrNull,    // pointer to as many bytes as the kAllocSize argument says, or null; to be given back
  // Pointer to a socket (vm/sockets.h) or null; to be given back. Of kSocketCommonOrNull only the fields may be read
  // that sockets of all states have.
  kSocketOrNull,
  kSocketCommonOrNull,
  kNothing,  // r0 holds nothing afterwards
};

// What is returned is the program's until it gives it back.
constexpr bool hands_out(RetKind kind) noexcept {
  return kind == RetKind::kRecordOrNull || kind == RetKind::kSocketOrNull || kind == RetKind::kSocketCommonOrNull;
}

enum class Effect : std::uint8_t {
  kNone,
  kMovesPacket,  // packet pointers obtained before are dead afterwards
  kTailCall,     // engines implement it themselves; returns only on failure; `fn` is null
  kCallback,     // likewise; calls the function of its kCallback argument any number of times, see CallbackKind
  kLock,         // takes the kSpinLock argument: until kUnlock no helper is called
  kUnlock,       // gives it back
  kRelease,      // gives the kRecord or kSocket argument back: its bytes are the program's no more
  // Sets the kCallback argument as what a timer calls some time after the program has ended: (map, key, value), and it
  // returns 0. Engines pass `fn` more than the program does: r3 is how to enter the function (TimerCallback::Enter,
  // vm/timers.h), r4 the VerifiedProgram and r5 the HelperTable, null from engines that do not need them.
  kSetCallback,
};

// How a helper of Effect::kCallback calls: with what arguments, how often, and what it returns.
enum class CallbackKind : std::uint8_t {
  kNone,
  kLoop,     // (number of the round, context), the helper's first argument times; returns the rounds begun
  kForEach,  // (map, key, value, context), once an element of the map; returns the elements seen
};
// A callback that returns 1 ends the helper, one that returns 0 does not; the verifier lets it return nothing else.
constexpr std::uint64_t kMaxLoops = std::uint64_t{1} << 23;  // BPF_MAX_LOOPS, linux/bpf.h: more rounds are -E2BIG

struct HelperDesc {
  std::int32_t id = 0;    // BPF_FUNC_*, linux/bpf.h
  std::string_view name;  // without "bpf_"
  std::array<ArgKind, 5> args{};
  RetKind ret = RetKind::kScalar;
  Effect effect = Effect::kNone;
  CallbackKind callback = CallbackKind::kNone;  // exactly with Effect::kCallback
  bool takes_packet = false;                    // memory arguments may lie in the frame; pkt_access in the kernel's row
  HelperFn fn = nullptr;
  std::array<std::uint8_t, 5> fixed_size{};  // bytes of each kFixedMem and kFixedMemInOut argument
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
