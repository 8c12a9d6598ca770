#include "vm/interpreter_checks.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "vm/ctx_fields.h"
#include "vm/sockets.h"

namespace sluice::vm {
namespace {

std::uint64_t number(const void* pointer) { return reinterpret_cast<std::uint64_t>(pointer); }

// Whether [address, address + size) lies in [start, start + length).
bool inside(std::uint64_t address, std::uint64_t size, std::uint64_t start, std::uint64_t length) {
  return address >= start && address - start <= length && size <= length - (address - start);
}

std::string_view region_name(Region region) {
  switch (region) {
    case Region::kUnknown: return "unknown memory";
    case Region::kStack: return "the stack";
    case Region::kContext: return "the context";
    case Region::kPacket: return "the packet";
    case Region::kPacketMeta: return "the packet's metadata";
    case Region::kMapValue: return "a map value";
    case Region::kMemory: return "the program's memory";
  }
  return {};
}

}  // namespace

void Checker::enter_frame(const std::byte* top, std::uint32_t bytes, std::uint64_t cleared) {
  StackFrame frame{.top = number(top), .bytes = bytes};
  for (unsigned slot = 0; slot < kStackBytes / 8; ++slot) {
    if (((cleared >> slot) & 1) == 0) continue;
    for (unsigned byte = 0; byte < 8; ++byte) frame.written.set(8 * slot + byte);
  }
  stack_.push_back(frame);
}

bool Checker::instruction(Registers registers) {
  const Facts& facts = program_->facts();
  if (slot_ < facts.insns.size() && !facts.insns[slot_].reachable) {
    return fail("runs an instruction that the verifier calls unreachable");
  }
  if (slot_ >= facts.claims.size()) return true;
  for (unsigned i = 0; i < kRegisters; ++i) {
    const RegisterClaim& claim = facts.claims[slot_][i];
    if (claim.kind != RegisterClaim::Kind::kScalar) continue;
    const std::uint64_t value = registers[i];
    const auto as_signed = static_cast<std::int64_t>(value);
    if (value < claim.umin || value > claim.umax || as_signed < claim.smin || as_signed > claim.smax ||
        (value & ~claim.unknown_mask) != claim.known_value) {
      return fail(
          fmt::format("r{}={:#x} lies outside the verifier's claim: unsigned {:#x}..{:#x}, signed {}..{}, "
                      "bits {:#x} but for mask {:#x}",
                      i, value, claim.umin, claim.umax, claim.smin, claim.smax, claim.known_value, claim.unknown_mask));
    }
  }
  return true;
}

std::optional<Checker::Place> Checker::locate(std::uint64_t address, std::uint64_t size) {
  for (StackFrame& frame : stack_) {
    if (!inside(address, size, frame.top - frame.bytes, frame.bytes)) continue;
    return Place{.region = Region::kStack, .offset = static_cast<std::int64_t>(address - frame.top), .frame = &frame};
  }
  if (frame_ != nullptr) {
    const std::uint64_t data = number(frame_->data);
    const std::uint64_t meta = number(frame_->data_meta);
    if (inside(address, size, data, number(frame_->data_end) - data)) {
      return Place{.region = Region::kPacket, .offset = static_cast<std::int64_t>(address - data)};
    }
    if (inside(address, size, meta, data - meta)) {
      return Place{.region = Region::kPacketMeta, .offset = static_cast<std::int64_t>(address - meta)};
    }
  } else if (inside(address, size, number(memory_.data), memory_.size)) {
    return Place{.region = Region::kMemory, .offset = static_cast<std::int64_t>(address - number(memory_.data))};
  }
  if (in_record(address, size)) return Place{};
  if (const auto socket = locate_socket(address, size)) return socket;
  const auto after = values_.upper_bound(reinterpret_cast<const std::byte*>(address));
  if (after == values_.begin()) return locate_key(address, size);
  const auto& [start, map] = *std::prev(after);
  if (!inside(address, size, number(start), map->spec().value_size)) return locate_key(address, size);
  return Place{.region = Region::kMapValue,
               .offset = static_cast<std::int64_t>(address - number(start)),
               .readable = (map->spec().flags & kMapWriteOnlyProg) == 0,
               .writable = (map->spec().flags & kMapReadOnlyProg) == 0 && !map->frozen(),
               .map = map};
}

std::optional<Checker::Place> Checker::locate_key(std::uint64_t address, std::uint64_t size) const {
  const auto after = keys_.upper_bound(reinterpret_cast<const std::byte*>(address));
  if (after == keys_.begin()) return std::nullopt;
  const auto& [start, bytes] = *std::prev(after);
  if (!inside(address, size, number(start), bytes)) return std::nullopt;
  return Place{.offset = static_cast<std::int64_t>(address - number(start)), .writable = false};
}

std::optional<Checker::Place> Checker::locate_socket(std::uint64_t address, std::uint64_t size) const {
  const auto after = sockets_.upper_bound(address);
  if (after == sockets_.begin()) return std::nullopt;
  const std::uint64_t start = std::prev(after)->first;
  if (!inside(address, size, start, sizeof(Socket))) return std::nullopt;
  return Place{.offset = static_cast<std::int64_t>(address - start), .writable = false, .socket = true};
}

void Checker::give_back(std::uint64_t address) {
  records_.erase(address);
  const auto socket = sockets_.find(address);
  if (socket != sockets_.end() && --socket->second == 0) sockets_.erase(socket);
}

// One that was looked up, or an XDP socket.
bool Checker::is_socket(std::uint64_t address) const {
  if (sockets_.contains(address)) return true;
  const auto value = values_.find(reinterpret_cast<const std::byte*>(address));
  return value != values_.end() && value->second->spec().type == MapType::kXskmap;
}

bool Checker::in_record(std::uint64_t address, std::uint64_t size) const {
  return std::ranges::any_of(records_, [&](const auto& one) { return inside(address, size, one.first, one.second); });
}

bool Checker::stack_initialised(const Place& place, std::uint64_t size) {
  for (std::uint64_t i = 0; i < size; ++i) {
    const std::int64_t offset = place.offset + static_cast<std::int64_t>(i);
    if (!place.frame->written.test(static_cast<std::size_t>(-offset - 1))) {
      return fail(fmt::format("reads the stack byte at r10{} that nobody wrote or cleared", offset));
    }
  }
  return true;
}

// Bounds, rights and initialisation, without a look at the facts.
bool Checker::memory(std::uint64_t address, std::uint64_t size, Access access) {
  if (size == 0) return true;  // helpers only: nothing is touched
  const bool reads = access != Access::kWrite;
  const bool writes = access != Access::kRead;
  const std::string_view verb = reads ? (writes ? "update" : "read") : "write";
  const auto place = locate(address, size);
  if (!place) return fail(fmt::format("{}-byte {} at {:#x}, outside everything the program owns", size, verb, address));
  if ((reads && !place->readable) || (writes && !place->writable)) {
    return fail(fmt::format("{}-byte {} of {}", size, verb,
                            place->socket           ? std::string("a socket")
                            : place->map == nullptr ? std::string("an element's key")
                                                    : "map '" + place->map->spec().name + "', which its flags forbid"));
  }
  if (place->frame == nullptr) return true;
  if (reads && !stack_initialised(*place, size)) return false;
  for (std::uint64_t i = 0; writes && i < size; ++i) {
    place->frame->written.set(static_cast<std::size_t>(-(place->offset + static_cast<std::int64_t>(i)) - 1));
  }
  return true;
}

bool Checker::agrees(Region region, std::int64_t offset, const Map* map) {
  const Facts& facts = program_->facts();
  if (slot_ >= facts.insns.size()) return true;
  const InsnFacts& fact = facts.insns[slot_];
  if (fact.region == Region::kUnknown) return true;
  if (fact.region != region) {
    return fail(fmt::format("touches {}, the facts say {}", region_name(region), region_name(fact.region)));
  }
  if (offset < fact.min_offset || offset > fact.max_offset) {
    return fail(fmt::format("touches {} at offset {}, the facts say {}..{}", region_name(region), offset,
                            fact.min_offset, fact.max_offset));
  }
  if (map != nullptr && fact.map >= 0 && program_->program().maps[static_cast<std::size_t>(fact.map)].get() != map) {
    return fail(fmt::format("touches map '{}', the facts say map {}", map->spec().name, fact.map));
  }
  return true;
}

bool Checker::access(std::uint64_t address, std::uint64_t size, Access access) {
  if (!memory(address, size, access)) return false;
  const auto place = locate(address, size);
  return agrees(place->region, place->offset, place->map);
}

bool Checker::atomic(std::uint64_t address, std::uint64_t size) {
  if (address % size != 0) return fail(fmt::format("atomic operation at {:#x}, which is not aligned", address));
  return access(address, size, Access::kBoth);
}

bool Checker::context_load(const ContextField* field, std::uint64_t offset, std::uint64_t size) {
  if (field == nullptr || size != 4) {
    return fail(fmt::format("{}-byte read of the context at offset {}, where no field can be read", size, offset));
  }
  return agrees(Region::kContext, static_cast<std::int64_t>(offset), nullptr);
}

bool Checker::result(const InsnRow& row, std::uint64_t value) {
  const Facts& facts = program_->facts();
  if ((row.kind != Kind::kAlu && row.kind != Kind::kLoad) || slot_ >= facts.insns.size()) return true;
  if (!facts.insns[slot_].upper_zero || value >> 32 == 0) return true;
  return fail(fmt::format("result {:#x} has an upper half, the facts say it is zero", value));
}

bool Checker::verdict(std::uint64_t r0) {
  if (frame_ == nullptr) return true;
  const auto value = static_cast<std::uint32_t>(r0);
  const std::uint32_t bit = std::uint32_t{1} << std::min<std::uint32_t>(value, 31);
  if ((program_->facts().may_return & bit) != 0) return true;
  return fail(fmt::format("returns {}, which the facts say it never does", value));
}

void Checker::own_result(std::uint64_t result, const Map& map) {
  if (dynamic_cast<const MapOfMaps*>(&map) == nullptr) {
    own_value(reinterpret_cast<const std::byte*>(result), map);
  } else {
    inner_maps_.insert(reinterpret_cast<const Map*>(result));
  }
}

const Map* Checker::map_at(std::uint64_t address) const {
  for (const auto& map : program_->program().maps) {
    if (number(map.get()) == address) return map.get();
  }
  for (const Map* const map : inner_maps_) {
    if (number(map) == address) return map;
  }
  return nullptr;
}

bool Checker::starts_function(std::uint64_t slot) const {
  return std::ranges::any_of(program_->program().subprograms, [slot](const Subprogram& s) { return s.start == slot; });
}

bool Checker::on_stack(std::uint64_t address) const {
  return std::ranges::any_of(
      stack_, [address](const StackFrame& frame) { return inside(address, 0, frame.top - kStackBytes, kStackBytes); });
}

// Of the map argument, when there is one.
bool Checker::timer(std::uint64_t address, const Map* map) {
  const auto place = locate(address, SpecialFields::kTimerBytes);
  if (!place || place->map == nullptr || place->map->spec().special.timer != place->offset) {
    return fail("the timer is none");
  }
  return map == nullptr || map == place->map || fail("the timer is another map's");
}

bool Checker::argument(const HelperDesc& helper, unsigned index, const Map* map, Registers registers) {
  const ArgKind kind = helper.args[index];
  const std::uint64_t fixed_size = helper.fixed_size[index];
  const std::uint64_t value = registers[1 + index];
  const std::uint64_t size = index < 4 ? registers[2 + index] : 0;  // when the next argument is one
  switch (kind) {
    case ArgKind::kNone:
    case ArgKind::kAnything:
    case ArgKind::kScalar:
    case ArgKind::kSizeOrZero: return true;
    case ArgKind::kContext: return value == number(frame_) || fail("the context argument is not the context");
    case ArgKind::kConstMap: return map != nullptr || fail("the map argument is no map of the program");
    case ArgKind::kMapKey:
      return map == nullptr ? fail("a key argument without a map") : memory(value, map->spec().key_size, Access::kRead);
    case ArgKind::kMapValue:
      return map == nullptr ? fail("a value argument without a map")
                            : memory(value, map->spec().value_size, Access::kRead);
    case ArgKind::kMapValueOut:
      return map == nullptr ? fail("a value argument without a map")
                            : memory(value, map->spec().value_size,
                                     peek_reads_value(map->spec().type) ? Access::kRead : Access::kWrite);
    case ArgKind::kReadMem: return memory(value, size, Access::kRead);
    case ArgKind::kReadMemOrNull: return value == 0 || memory(value, size, Access::kRead);
    case ArgKind::kWriteMem: return memory(value, size, Access::kWrite);
    case ArgKind::kCallback: return starts_function(value) || fail("the callback is no function of the program");
    case ArgKind::kCallbackContext: return value == 0 || on_stack(value) || fail("the callback's context is elsewhere");
    case ArgKind::kInOutMem: return memory(value, size, Access::kBoth);
    case ArgKind::kInOutMemOrNull: return value == 0 || memory(value, size, Access::kBoth);
    case ArgKind::kFixedMem: return memory(value, fixed_size, Access::kRead);
    case ArgKind::kFixedMemInOut:
      return value % fixed_size == 0 ? memory(value, fixed_size, Access::kBoth) : fail("misaligned");
    case ArgKind::kConstString: return memory(value, 1, Access::kRead);
    case ArgKind::kSpinLock: return memory(value, sizeof(std::uint32_t), Access::kBoth);
    case ArgKind::kTimer: return timer(value, map);
    case ArgKind::kAllocSize: return true;
    case ArgKind::kSocket: return is_socket(value) || fail("the socket is none, or was given back");
    case ArgKind::kRecord: return records_.contains(value) || fail("the record is none, or was given back");
    case ArgKind::kSize: return value != 0 || fail("a size argument is 0");
  }
  return true;
}

// The constant key of InsnFacts, which engines use instead of reading the key.
bool Checker::key_agrees(const HelperDesc& helper, const Map* map, Registers registers) {
  const Facts& facts = program_->facts();
  if (slot_ >= facts.insns.size()) return true;
  const InsnFacts& fact = facts.insns[slot_];
  if (fact.map >= 0 && map != program_->program().maps[static_cast<std::size_t>(fact.map)].get()) {
    return fail(fmt::format("the map argument is not map {} as the facts say", fact.map));
  }
  if (fact.key_constant < 0 || map == nullptr) return true;
  auto key = static_cast<std::uint32_t>(registers[3]);
  if (helper.effect != Effect::kTailCall) std::memcpy(&key, reinterpret_cast<const void*>(registers[2]), sizeof key);
  return key == fact.key_constant || fail(fmt::format("the key is {:#x}, the facts say {:#x}", key, fact.key_constant));
}

bool Checker::helper_arguments(const HelperDesc& helper, Registers registers) {
  const Map* map = nullptr;
  for (unsigned i = 0; i < helper.args.size(); ++i) {
    if (helper.args[i] == ArgKind::kConstMap) map = map_at(registers[1 + i]);
  }
  const auto type = map == nullptr ? 0 : static_cast<std::uint32_t>(map->spec().type);
  if (map != nullptr && !helper.map_types.empty() &&
      std::ranges::find(helper.map_types, type) == helper.map_types.end()) {
    return fail(fmt::format("{} does not take a map of type {}", helper.name, type));
  }
  for (unsigned i = 0; i < helper.args.size(); ++i) {
    if (!argument(helper, i, map, registers)) {
      what_ = fmt::format("{}, argument {}: {}", helper.name, i + 1, what_);
      return false;
    }
  }
  return key_agrees(helper, map, registers);
}

}  // namespace sluice::vm
