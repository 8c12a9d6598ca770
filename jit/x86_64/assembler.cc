#include "jit/x86_64/assembler.h"

#include "base/check.h"

namespace sluice::jit::x86_64 {
namespace {

constexpr std::size_t kFirstBytes = 16384;

bool fits_int32(std::int64_t value) { return value == static_cast<std::int32_t>(value); }

}  // namespace

Assembler::Assembler(PlainAllocator& allocator, Placement placement)
    : CodeGenerator(kFirstBytes, Xbyak::AutoGrow, &allocator), placement_(placement) {}

void Assembler::jump_to(std::uint32_t slot, bool short_form) {
  db(short_form ? 0xeb : 0xe9);
  if (short_form) {
    db(0);
  } else {
    dd(0);
  }
  jumps_.push_back({getSize(), slot, static_cast<std::uint8_t>(short_form ? 1 : 4)});
}

void Assembler::jump_to(Flag flag, std::uint32_t slot, bool short_form) {
  if (short_form) {
    db(0x70 | static_cast<int>(flag));
    db(0);
  } else {
    db(0x0f);
    db(0x80 | static_cast<int>(flag));
    dd(0);
  }
  jumps_.push_back({getSize(), slot, static_cast<std::uint8_t>(short_form ? 1 : 4)});
}

void Assembler::call_function(std::uint32_t slot) {
  db(0xe8);
  dd(0);
  jumps_.push_back({getSize(), slot, 4});
}

void Assembler::load_function(const Reg64& reg, std::uint32_t slot) {
  db(0x48 | (reg.getIdx() >= 8 ? 4 : 0));  // lea reg, [rip + distance]
  db(0x8d);
  db(0x05 | ((reg.getIdx() & 7) << 3));
  dd(0);
  jumps_.push_back({getSize(), slot, 4});
}

void Assembler::patch_jumps(const std::vector<std::uint32_t>& offsets) {
  for (const Jump& jump : jumps_) {
    const std::int64_t distance = static_cast<std::int64_t>(offsets[jump.slot]) - static_cast<std::int64_t>(jump.end);
    SLUICE_CHECK(jump.bytes == 4 ? fits_int32(distance) : distance >= -128 && distance <= 127);
    rewrite(jump.end - jump.bytes, static_cast<std::uint64_t>(distance), jump.bytes);
  }
}

Assembler::Ahead Assembler::jump_ahead() {
  db(0xeb);
  db(0);
  return {getSize()};
}

Assembler::Ahead Assembler::jump_ahead(Flag flag) {
  db(0x70 | static_cast<int>(flag));
  db(0);
  return {getSize()};
}

void Assembler::land(Ahead jump) {
  const std::size_t distance = getSize() - jump.end;
  SLUICE_CHECK(distance <= 127);
  rewrite(jump.end - 1, distance, 1);
}

void Assembler::jump_back(Flag flag, std::size_t offset) {
  const std::size_t distance = getSize() + 2 - offset;
  SLUICE_CHECK(distance <= 128);
  db(0x70 | static_cast<int>(flag));
  db(static_cast<int>((0x100 - distance) & 0xff));
}

bool Assembler::near(std::uint64_t address, unsigned length, std::int32_t& distance) const {
  if (!placement_.known) return false;
  const std::uint64_t from = placement_.base + getSize() + length;
  const auto wide = static_cast<std::int64_t>(address - from);
  distance = static_cast<std::int32_t>(wide);
  return fits_int32(wide);
}

void Assembler::load_address(const Reg64& reg, std::uint64_t address) {
  if (address <= 0xffffffffU) {
    mov(reg.cvt32(), static_cast<std::uint32_t>(address));
    return;
  }
  constexpr unsigned kLeaBytes = 7;
  std::int32_t distance = 0;
  if (near(address, kLeaBytes, distance)) {  // lea reg, [rip + distance]
    db(0x48 | (reg.getIdx() >= 8 ? 4 : 0));
    db(0x8d);
    db(0x05 | ((reg.getIdx() & 7) << 3));
    dd(static_cast<std::uint32_t>(distance));
    return;
  }
  db(0x48 | (reg.getIdx() >= 8 ? 1 : 0));  // mov reg, imm64: always of the same length
  db(0xb8 | (reg.getIdx() & 7));
  dq(address);
}

void Assembler::call_address(std::uint64_t address) {
  constexpr unsigned kCallBytes = 5;
  std::int32_t distance = 0;
  if (near(address, kCallBytes, distance)) {
    db(0xe8);
    dd(static_cast<std::uint32_t>(distance));
    return;
  }
  load_address(r11, address);
  call(r11);
}

}  // namespace sluice::jit::x86_64
