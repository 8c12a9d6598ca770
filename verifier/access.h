#pragma once
// One access to memory by a load, store, atomic or helper: what it demands of the pointer, and where it may land.
// Internal to the verifier.
#include <cstdint>
#include <string>

#include "verifier/context.h"

namespace sluice::verifier {

enum class Use : std::uint8_t { kRead, kWrite, kAtomic };

struct Access {
  std::uint32_t slot = 0;
  int reg = 0;              // number of the address register, for messages
  std::int64_t offset = 0;  // from the pointer
  std::int64_t size = 0;    // bytes, at least 1
  Use use = Use::kRead;
  bool by_helper = false;
};

// Where the first byte may lie, from the region's start. Meaningful once check_access holds.
struct Reach {
  std::int64_t min = 0, max = 0;

  [[nodiscard]] bool fixed() const noexcept { return min == max; }
};
Reach reach(const Reg& base, std::int64_t offset) noexcept;

// All demands but those about what is stored.
Check check_access(const Context& context, const Reg& base, const Access& access);

// The same of sockets that were looked up: what of struct bpf_sock may be read, and how widely.
Check check_socket(const Context& context, const Reg& base, const Access& access);
// What a load through `base` goes through.
Through through_of(const Context& context, const Reg& base) noexcept;
std::string_view describe(Through through) noexcept;

// `reg` was a packet pointer before the packet moved, or a record or socket before it was given back; what refuses its
// use as an address, or its being stored.
Failure stale_pointer(const Reg& reg, std::uint32_t slot, unsigned number);

// Whether it is what a look-up in an XSKMAP gives: a struct bpf_xdp_sock, whose queue_id may be read and nothing else.
bool is_xdp_socket(const Context& context, const Reg& reg) noexcept;

// "a number", "a packet pointer", ...; for messages.
std::string_view describe(Type type) noexcept;
// "fw.bpf.c:12" or "insn 7".
std::string place(const vm::LoadedProgram& program, std::uint32_t slot);

}  // namespace sluice::verifier
