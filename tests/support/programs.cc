#include "tests/support/programs.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/check.h"
#include "vm/asm.h"

namespace sluice::testing_support {
namespace {

using vm::ArgKind;
using u64 = std::uint64_t;

[[noreturn]] void stop(const std::string& why) {
  std::fprintf(stderr, "test data is wrong: %s\n", why.c_str());
  std::abort();
}

const std::byte* bytes_at(u64 address) { return reinterpret_cast<const std::byte*>(address); }

u64 map_lookup(u64 map, u64 key, u64, u64, u64, vm::ExecEnv& env) noexcept {
  return reinterpret_cast<u64>(reinterpret_cast<vm::Map*>(map)->lookup(bytes_at(key), env.cpu));
}
u64 map_update(u64 map, u64 key, u64 value, u64 flags, u64, vm::ExecEnv& env) noexcept {
  const auto mode = static_cast<vm::UpdateMode>(flags);
  const int result = reinterpret_cast<vm::Map*>(map)->update(bytes_at(key), bytes_at(value), mode, env.cpu);
  return static_cast<u64>(std::int64_t{result});
}
u64 map_delete(u64 map, u64 key, u64, u64, u64, vm::ExecEnv&) noexcept {
  return static_cast<u64>(std::int64_t{reinterpret_cast<vm::Map*>(map)->erase(bytes_at(key))});
}
u64 ktime(u64, u64, u64, u64, u64, vm::ExecEnv& env) noexcept { return env.clock.now_ns(); }
u64 prandom(u64, u64, u64, u64, u64, vm::ExecEnv& env) noexcept { return env.prng.next(); }
u64 processor(u64, u64, u64, u64, u64, vm::ExecEnv& env) noexcept { return env.cpu; }
u64 adjust_head(u64 context, u64 delta, u64, u64, u64, vm::ExecEnv&) noexcept {
  auto& frame = *reinterpret_cast<vm::XdpContext*>(context);
  std::byte* const data = frame.data + static_cast<std::int32_t>(delta);
  if (data < frame.hard_start || data >= frame.data_end) return static_cast<u64>(std::int64_t{-EINVAL});
  frame.data = data;
  frame.data_meta = data;
  return 0;
}
u64 mix(u64 a, u64 b, u64 c, u64 d, u64 e, vm::ExecEnv&) noexcept { return a + 3 * b + 5 * c + 7 * d + 11 * e; }
u64 fill(u64 memory, u64 size, u64 byte, u64, u64, vm::ExecEnv&) noexcept {
  std::memset(reinterpret_cast<void*>(memory), static_cast<int>(byte & 0xff), size);
  return size;
}
u64 sum(u64 memory, u64 size, u64, u64, u64, vm::ExecEnv&) noexcept {
  u64 total = 0;
  for (u64 i = 0; i < size; ++i) total += static_cast<u64>(bytes_at(memory)[i]);
  return total;
}

constexpr std::uint32_t kProgArrayOnly[] = {static_cast<std::uint32_t>(vm::MapType::kProgArray)};
constexpr vm::HelperDesc kFakes[] = {
    {.id = 1,
     .name = "map_lookup_elem",
     .args = {ArgKind::kConstMap, ArgKind::kMapKey},
     .ret = vm::RetKind::kMapValueOrNull,
     .fn = map_lookup},
    {.id = 2,
     .name = "map_update_elem",
     .args = {ArgKind::kConstMap, ArgKind::kMapKey, ArgKind::kMapValue, ArgKind::kScalar},
     .ret = vm::RetKind::kError,
     .fn = map_update},
    {.id = 3,
     .name = "map_delete_elem",
     .args = {ArgKind::kConstMap, ArgKind::kMapKey},
     .ret = vm::RetKind::kError,
     .fn = map_delete},
    {.id = 5, .name = "ktime_get_ns", .fn = ktime},
    {.id = 7, .name = "get_prandom_u32", .fn = prandom},
    {.id = 8, .name = "get_smp_processor_id", .fn = processor},
    {.id = 12,
     .name = "tail_call",
     .args = {ArgKind::kContext, ArgKind::kConstMap, ArgKind::kScalar},
     .effect = vm::Effect::kTailCall,
     .map_types = kProgArrayOnly},
    {.id = 44,
     .name = "xdp_adjust_head",
     .args = {ArgKind::kContext, ArgKind::kScalar},
     .ret = vm::RetKind::kError,
     .effect = vm::Effect::kMovesPacket,
     .fn = adjust_head},
    {.id = kMixHelper,
     .name = "mix",
     .args = {ArgKind::kAnything, ArgKind::kAnything, ArgKind::kAnything, ArgKind::kAnything, ArgKind::kAnything},
     .fn = mix},
    {.id = kFillHelper, .name = "fill", .args = {ArgKind::kWriteMem, ArgKind::kSize, ArgKind::kScalar}, .fn = fill},
    {.id = kSumHelper, .name = "sum", .args = {ArgKind::kReadMemOrNull, ArgKind::kSizeOrZero}, .fn = sum},
};

std::uint32_t index_of(const std::byte* key) {
  std::uint32_t index = 0;
  std::memcpy(&index, key, sizeof index);
  return index;
}

}  // namespace

vm::LoadedProgram program_from_asm(std::string_view text, const vm::ProgramType& type, Maps maps) {
  auto insns = vm::assemble(text);
  if (!insns) stop(insns.error().message);
  vm::LoadedProgram program;
  program.name = "test";
  program.type = &type;
  program.insns = std::move(insns).value();
  program.maps = std::move(maps);
  program.license = "GPL";
  program.subprograms = vm::subprograms_of(program.insns);
  return program;
}

vm::Facts permissive_facts(const vm::LoadedProgram& program) {
  vm::Facts facts;
  facts.insns.assign(program.insns.size(), {.reachable = true});
  facts.stack_depth = vm::kStackBytes;
  facts.frame_bytes.assign(program.subprograms.size(), vm::kStackBytes);
  facts.slots_to_clear.assign(program.subprograms.size(), ~std::uint64_t{0});
  facts.moves_packet = true;
  facts.makes_tail_calls = true;
  for (std::uint32_t i = 0; i < program.maps.size(); ++i) {
    if (program.maps[i]->spec().type == vm::MapType::kProgArray) facts.tail_call_maps.push_back(i);
  }
  return facts;
}

vm::VerifiedProgram unverified(vm::LoadedProgram program) {
  vm::Facts facts = permissive_facts(program);
  return unverified(std::move(program), std::move(facts));
}

vm::VerifiedProgram unverified(vm::LoadedProgram program, vm::Facts facts) {
  return {UnverifiedKey::make(), std::move(program), std::move(facts)};
}

vm::VerifiedProgram unverified(std::string_view text, const vm::ProgramType& type, Maps maps) {
  return unverified(program_from_asm(text, type, std::move(maps)));
}

const vm::HelperTable& fake_helpers() {
  static constexpr vm::HelperTable kTable{kFakes};
  return kTable;
}

std::shared_ptr<vm::Map> map_of(vm::MapSpec spec, unsigned cpus) {
  if (spec.name.empty()) spec.name = "m";
  if (spec.type == vm::MapType::kLpmTrie) spec.flags |= vm::kMapNoPrealloc;
  auto map = vm::make_map(spec, cpus);
  if (!map) stop(map.error().message);
  return std::move(*map);
}

TestArray::TestArray(std::uint32_t value_size, std::uint32_t max_entries, std::uint32_t flags)
    : Map({.name = "test_array",
           .type = vm::MapType::kArray,
           .key_size = 4,
           .value_size = value_size,
           .max_entries = max_entries,
           .flags = flags},
          1),
      values_(std::size_t{percpu_stride()} * max_entries) {}

std::byte* TestArray::lookup(const std::byte* key, unsigned) noexcept {
  const std::uint32_t index = index_of(key);
  return index < spec().max_entries ? values_.data() + std::size_t{percpu_stride()} * index : nullptr;
}

int TestArray::update(const std::byte* key, const std::byte* value, vm::UpdateMode mode, unsigned cpu) noexcept {
  std::byte* const place = lookup(key, cpu);
  if (place == nullptr) return -E2BIG;
  if (mode == vm::UpdateMode::kNoExist) return -EEXIST;
  std::memcpy(place, value, spec().value_size);
  return 0;
}

int TestArray::erase(const std::byte*) noexcept { return -EINVAL; }

bool TestArray::next_key(const std::byte* key, std::byte* next) const {
  const std::uint32_t index = key == nullptr ? 0 : index_of(key) + 1;
  std::memcpy(next, &index, sizeof index);
  return index < spec().max_entries;
}

int TestArray::read(const std::byte* key, std::byte* out) {
  const std::byte* const place = lookup(key, 0);
  if (place == nullptr) return -ENOENT;
  std::memcpy(out, place, spec().value_size);
  return 0;
}

int TestArray::write(const std::byte* key, const std::byte* value, vm::UpdateMode mode) {
  return update(key, value, mode, 0);
}

TestProgArray::TestProgArray(std::uint32_t max_entries)
    : ProgArray({.name = "test_progs",
                 .type = vm::MapType::kProgArray,
                 .key_size = 4,
                 .value_size = 4,
                 .max_entries = max_entries},
                1),
      slots_(max_entries) {}

const vm::ProgramSlot* TestProgArray::slot(std::uint32_t index) const noexcept {
  return index < slots_.size() ? slots_[index] : nullptr;
}

int TestProgArray::set(std::uint32_t index, const vm::ProgramSlot* program) {
  if (index >= slots_.size()) return -E2BIG;
  slots_[index] = program;
  return 0;
}

std::byte* TestProgArray::lookup(const std::byte*, unsigned) noexcept { return nullptr; }
int TestProgArray::update(const std::byte*, const std::byte*, vm::UpdateMode, unsigned) noexcept { return -EINVAL; }
int TestProgArray::erase(const std::byte*) noexcept { return -EINVAL; }
bool TestProgArray::next_key(const std::byte*, std::byte*) const { return false; }
int TestProgArray::read(const std::byte*, std::byte*) { return -ENOENT; }
int TestProgArray::write(const std::byte*, const std::byte*, vm::UpdateMode) { return -EINVAL; }

TestFrame::TestFrame(std::span<const std::byte> bytes, std::uint32_t headroom, std::uint32_t tailroom)
    : block_(std::make_unique<std::byte[]>(headroom + bytes.size() + tailroom)) {
  context_.hard_start = block_.get();
  context_.data = context_.data_meta = block_.get() + headroom;
  context_.data_end = context_.data + bytes.size();
  context_.frame_end = context_.data_end + tailroom;
  context_.ingress_ifindex = 1;
  std::ranges::copy(bytes, context_.data);
}

TestFrame::TestFrame(std::string_view hex, std::uint32_t headroom, std::uint32_t tailroom)
    : TestFrame(from_hex(hex), headroom, tailroom) {}

std::string TestFrame::hex() const { return to_hex({context_.data, context_.data_end}); }

std::vector<std::byte> from_hex(std::string_view text) {
  std::vector<std::byte> bytes;
  int high = -1;
  for (const char c : text) {
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r') continue;
    const std::size_t digit = std::string_view("0123456789abcdef").find(static_cast<char>(c | 0x20));
    if (digit == std::string_view::npos) stop("'" + std::string(text) + "' is not hex");
    if (high < 0) {
      high = static_cast<int>(digit);
    } else {
      bytes.push_back(static_cast<std::byte>(high * 16 + static_cast<int>(digit)));
      high = -1;
    }
  }
  if (high >= 0) stop("'" + std::string(text) + "' has an odd number of hex digits");
  return bytes;
}

std::string to_hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte byte : bytes) {
    text += "0123456789abcdef"[static_cast<unsigned>(byte) >> 4];
    text += "0123456789abcdef"[static_cast<unsigned>(byte) & 15];
  }
  return text;
}

}  // namespace sluice::testing_support
