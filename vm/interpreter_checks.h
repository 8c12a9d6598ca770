#pragma once
// Checked mode of the interpreter: everything a running program owns, and whether what it does stays inside and agrees
// with what the verifier claimed. Seeing one refusal here is a bug in the verifier. Allocates; never on the data path.
// One a run, one thread.
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "vm/helper_desc.h"
#include "vm/interpreter.h"
#include "vm/maps/map.h"
#include "vm/program.h"

namespace sluice::vm {

class Checker {
 public:
  // Exactly one of `frame` (may be null) and `memory` (may be empty) is the program's context.
  Checker(const XdpContext* frame, MemoryContext memory) : frame_(frame), memory_(memory) {}

  enum class Access : std::uint8_t { kRead, kWrite, kBoth };
  using Registers = std::span<const std::uint64_t, kRegisters>;

  // The program being run and the slot of the instruction that the calls below are about.
  void at(const VerifiedProgram& program, std::uint32_t slot) {
    program_ = &program;
    slot_ = slot;
  }

  // A stack frame of `bytes` bytes below `top`, of which the slots of `cleared` (bit 0 = top-8) hold zeros.
  void enter_frame(const std::byte* top, std::uint32_t bytes, std::uint64_t cleared);
  void leave_frame() { stack_.pop_back(); }
  // From now on the program may touch this value of `map`.
  void own_value(const std::byte* value, const Map& map) { values_[value] = &map; }

  // And read this key, until an element's key lies there next.
  void own_key(const std::byte* key, std::uint32_t bytes) { keys_[key] = bytes; }
  // `bytes` at `address` are the program's until it gives them back.
  void own_record(std::uint64_t address, std::uint64_t bytes) { records_[address] = bytes; }
  // The socket at `address` may be read until it is given back as often as it was handed out.
  void own_socket(std::uint64_t address) { ++sockets_[address]; }
  // The record, or the socket once.
  void give_back(std::uint64_t address);
  // Or what a look-up in `map`, not null, gave: such a value or an inner map.
  void own_result(std::uint64_t result, const Map& map);

  // All below: false when the program must stop; what() then says why.
  [[nodiscard]] bool instruction(Registers registers);
  [[nodiscard]] bool access(std::uint64_t address, std::uint64_t size, Access access);
  [[nodiscard]] bool atomic(std::uint64_t address, std::uint64_t size);
  // A load of `size` bytes at `offset` of the context; `field` is what lies there, or null.
  [[nodiscard]] bool context_load(const ContextField* field, std::uint64_t offset, std::uint64_t size);
  [[nodiscard]] bool result(const InsnRow& row, std::uint64_t value);
  [[nodiscard]] bool helper_arguments(const HelperDesc& helper, Registers registers);
  [[nodiscard]] bool verdict(std::uint64_t r0);
  // The map at `address` when it is one of the program's or was looked up in one, or null.
  [[nodiscard]] const Map* map_at(std::uint64_t address) const;

  // What the program may touch beside stack and frame: every map value and every inner map handed out so far.
  [[nodiscard]] const std::map<const std::byte*, const Map*>& values() const { return values_; }
  [[nodiscard]] const std::set<const Map*>& inner_maps() const { return inner_maps_; }
  [[nodiscard]] const std::map<std::uint64_t, std::uint64_t>& records() const { return records_; }
  [[nodiscard]] const std::map<std::uint64_t, unsigned>& sockets() const { return sockets_; }

  bool fail(std::string what) {
    what_ = std::move(what);
    return false;
  }
  [[nodiscard]] const std::string& what() const { return what_; }

 private:
  struct StackFrame {
    std::uint64_t top = 0;  // r10
    std::uint32_t bytes = 0;
    std::bitset<kStackBytes> written;  // by distance below r10: bit 0 is the byte at r10-1
  };
  struct Place {
    Region region = Region::kUnknown;
    std::int64_t offset = 0;  // as in InsnFacts
    bool readable = true;
    bool writable = true;
    bool socket = false;
    const Map* map = nullptr;
    StackFrame* frame = nullptr;
  };

  std::optional<Place> locate(std::uint64_t address, std::uint64_t size);
  [[nodiscard]] std::optional<Place> locate_key(std::uint64_t address, std::uint64_t size) const;
  [[nodiscard]] bool in_record(std::uint64_t address, std::uint64_t size) const;
  bool stack_initialised(const Place& place, std::uint64_t size);
  bool agrees(Region region, std::int64_t offset, const Map* map);
  bool memory(std::uint64_t address, std::uint64_t size, Access access);
  bool timer(std::uint64_t address, const Map* map);
  [[nodiscard]] bool is_socket(std::uint64_t address) const;
  [[nodiscard]] std::optional<Place> locate_socket(std::uint64_t address, std::uint64_t size) const;
  bool argument(const HelperDesc& helper, unsigned index, const Map* map, Registers registers);
  [[nodiscard]] bool starts_function(std::uint64_t slot) const;
  [[nodiscard]] bool on_stack(std::uint64_t address) const;
  bool key_agrees(const HelperDesc& helper, const Map* map, Registers registers);

  const XdpContext* frame_;
  MemoryContext memory_;
  const VerifiedProgram* program_ = nullptr;
  std::uint32_t slot_ = 0;
  std::vector<StackFrame> stack_;                   // outermost first
  std::map<const std::byte*, const Map*> values_;   // every map value handed out so far
  std::map<const std::byte*, std::uint32_t> keys_;  // every key handed to a callback so far, with its bytes
  std::map<std::uint64_t, std::uint64_t> records_;  // address and bytes of those not given back
  std::map<std::uint64_t, unsigned> sockets_;       // address and times handed out of those not given back
  std::set<const Map*> inner_maps_;                 // every inner map handed out so far
  std::string what_;
};

}  // namespace sluice::vm
