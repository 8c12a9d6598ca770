#pragma once
// What tests of engines, maps and helpers need to have a program at all: programs out of text, VerifiedPrograms that no
// verifier has seen, a small table of helpers, the simplest maps there can be, and frames whose bytes lie in a heap
// block of just their size, so that the address sanitizer sees every byte too far. Only for tests: nothing under
// tests/support is linked into the product.
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vm/helper_desc.h"
#include "vm/maps/map.h"
#include "vm/program.h"
#include "vm/xdp.h"

namespace sluice::testing_support {

// The key to VerifiedProgram without a verifier.
struct UnverifiedKey {
  static vm::VerifierKey make() { return {}; }
};

using Maps = std::vector<std::shared_ptr<vm::Map>>;

// The program written in `text` (docs/asm.md). Its sub-programs are the targets of its local calls. Stops the test
// binary with the assembler's message when the text is wrong.
vm::LoadedProgram program_from_asm(std::string_view text, const vm::ProgramType& type = vm::memory_type(),
                                   Maps maps = {});

// Facts that claim nothing: everything reachable, every sub-program takes a whole stack, of which all is cleared.
vm::Facts permissive_facts(const vm::LoadedProgram& program);

// `program` as if the verifier had accepted it and had learnt nothing, or `facts`.
vm::VerifiedProgram unverified(vm::LoadedProgram program);
vm::VerifiedProgram unverified(vm::LoadedProgram program, vm::Facts facts);
// The same straight from text.
vm::VerifiedProgram unverified(std::string_view text, const vm::ProgramType& type = vm::memory_type(), Maps maps = {});

// Ids of helpers that exist only in fake_helpers().
constexpr std::int32_t kMixHelper = 1000;   // r1 + 3*r2 + 5*r3 + 7*r4 + 11*r5
constexpr std::int32_t kFillHelper = 1001;  // fill(memory, size, byte): writes `size` times `byte`, returns size
constexpr std::int32_t kSumHelper = 1002;   // sum(memory, size): sum of the bytes
// The kernel's 1 map_lookup_elem, 2 map_update_elem, 3 map_delete_elem, 5 ktime_get_ns, 7 get_prandom_u32,
// 8 get_smp_processor_id, 12 tail_call, 44 xdp_adjust_head (no checks but of the bounds), and the ones above.
const vm::HelperTable& fake_helpers();

// A map like `spec`, of which name and the flag that LPM tries must have may be left out. Stops the test binary when
// there is no such map.
std::shared_ptr<vm::Map> map_of(vm::MapSpec spec, unsigned cpus = 1);

// An ARRAY of nothing but bytes, without a view. Values start as zeros.
class TestArray : public vm::Map {
 public:
  TestArray(std::uint32_t value_size, std::uint32_t max_entries, std::uint32_t flags = 0);
  std::byte* lookup(const std::byte* key, unsigned cpu) noexcept override;
  int update(const std::byte* key, const std::byte* value, vm::UpdateMode mode, unsigned cpu) noexcept override;
  int erase(const std::byte* key) noexcept override;
  bool next_key(const std::byte* key, std::byte* next) const override;
  int read(const std::byte* key, std::byte* out) override;
  int write(const std::byte* key, const std::byte* value, vm::UpdateMode mode) override;

 private:
  std::vector<std::byte> values_;
};

// A PROG_ARRAY that takes whatever it is given.
class TestProgArray : public vm::ProgArray {
 public:
  explicit TestProgArray(std::uint32_t max_entries);
  const vm::ProgramSlot* slot(std::uint32_t index) const noexcept override;
  int set(std::uint32_t index, const vm::ProgramSlot* program) override;
  std::byte* lookup(const std::byte* key, unsigned cpu) noexcept override;
  int update(const std::byte* key, const std::byte* value, vm::UpdateMode mode, unsigned cpu) noexcept override;
  int erase(const std::byte* key) noexcept override;
  bool next_key(const std::byte* key, std::byte* next) const override;
  int read(const std::byte* key, std::byte* out) override;
  int write(const std::byte* key, const std::byte* value, vm::UpdateMode mode) override;

 private:
  std::vector<const vm::ProgramSlot*> slots_;
};

// A frame in a block of its own: `headroom` bytes before it, nothing but `tailroom` bytes after it.
class TestFrame {
 public:
  explicit TestFrame(std::span<const std::byte> bytes, std::uint32_t headroom = 256, std::uint32_t tailroom = 0);
  explicit TestFrame(std::string_view hex, std::uint32_t headroom = 256, std::uint32_t tailroom = 0);

  vm::XdpContext& context() { return context_; }
  // What lies between data and data_end now, as hex.
  [[nodiscard]] std::string hex() const;

 private:
  std::unique_ptr<std::byte[]> block_;
  vm::XdpContext context_;
};

// "0a ff" or "0aff"; white space is skipped. Stops the test binary on anything else.
std::vector<std::byte> from_hex(std::string_view text);
std::string to_hex(std::span<const std::byte> bytes);

}  // namespace sluice::testing_support
