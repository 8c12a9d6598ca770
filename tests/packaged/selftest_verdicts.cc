// Reads the cases that selftest_cases.c prints from standard input and answers each with a line of JSON:
// {"accepted":true|false,"code":...,"message":...}, what Sluice's verifier says of it as an XDP program. A map of a
// type that does not exist here is a refusal with code "map-type".
#include <array>

#include <cstdio>
#include <cstring>
#include <iostream>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "helpers/table.h"
#include "verifier/verifier.h"
#include "vm/maps/map.h"

namespace sluice {
namespace {

using vm::MapType;

struct Kind {
  std::string_view name;
  std::uint32_t type, key_size, value_size, entries, flags;
};

// enum bpf_map_type, linux/bpf.h: types that vm has no name for.
constexpr std::uint32_t kStackTrace = 7, kSockmap = 15, kSockhash = 18, kCgroupStorage = 19, kReuseport = 20,
                        kPercpuCgroupStorage = 21, kSkStorage = 24;
constexpr auto of(MapType type) { return static_cast<std::uint32_t>(type); }

// What the selftests' driver makes for each kind of map.
constexpr Kind kKinds[] = {
    {"map_hash_8b", of(MapType::kHash), 8, 8, 1, 0},
    {"map_hash_48b", of(MapType::kHash), 8, 48, 1, 0},
    {"map_hash_16b", of(MapType::kHash), 8, 16, 1, 0},
    {"map_array_48b", of(MapType::kArray), 4, 48, 1, 0},
    {"map_array_ro", of(MapType::kArray), 4, 48, 1, vm::kMapReadOnlyProg},
    {"map_array_wo", of(MapType::kArray), 4, 48, 1, vm::kMapWriteOnlyProg},
    {"map_array_small", of(MapType::kArray), 4, 1, 1, 0},
    {"prog1", of(MapType::kProgArray), 4, 4, 4, 0},
    {"prog2", of(MapType::kProgArray), 4, 4, 8, 0},
    {"map_in_map", of(MapType::kArrayOfMaps), 4, 4, 1, 0},
    {"map_xskmap", of(MapType::kXskmap), 4, 4, 1, 0},
    {"map_event_output", of(MapType::kPerfEventArray), 4, 4, 1, 0},
    {"map_ringbuf", of(MapType::kRingbuf), 0, 0, 4096, 0},
    {"map_stacktrace", kStackTrace, 4, 8, 1, 0},
    {"map_sockmap", kSockmap, 4, 4, 1, 0},
    {"map_sockhash", kSockhash, 4, 4, 1, 0},
    {"cgroup_storage", kCgroupStorage, 12, 64, 0, 0},
    {"percpu_cgroup_storage", kPercpuCgroupStorage, 12, 64, 0, 0},
    {"map_reuseport_array", kReuseport, 4, 8, 1, 0},
    {"sk_storage_map", kSkStorage, 4, 8, 0, 0},
};
// Values with a lock, a timer or a kernel pointer in them, by BTF.
constexpr std::string_view kSpecialValues[] = {"map_spin_lock", "map_timer", "map_kptr"};

std::shared_ptr<vm::Map> make(const std::string& kind, std::string& why) {
  for (const std::string_view special : kSpecialValues) {
    if (kind == special) why = fmt::format("values of {} have members that only the kernel knows", kind);
  }
  for (const Kind& one : kKinds) {
    if (one.name != kind) continue;
    vm::MapSpec spec{.name = kind,
                     .type = static_cast<MapType>(one.type),
                     .key_size = one.key_size,
                     .value_size = one.value_size,
                     .max_entries = one.entries,
                     .flags = one.flags};
    if (spec.type == MapType::kArrayOfMaps) {
      spec.inner = std::make_shared<const vm::MapSpec>(
          vm::MapSpec{.name = "inner", .type = MapType::kArray, .key_size = 4, .value_size = 4, .max_entries = 1});
    }
    auto map = vm::make_map(spec, 2);
    if (map) return std::move(*map);
    why = fmt::format("{}: {}", kind, map.error().message);
  }
  if (why.empty()) why = fmt::format("{} is unknown to this test", kind);
  return nullptr;
}

unsigned digit(char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); }

vm::LoadedProgram read_program(const nlohmann::json& one) {
  vm::LoadedProgram program;
  program.name = "case";
  program.license = "GPL";
  const auto& hex = one.at("insns").get_ref<const std::string&>();
  for (std::size_t at = 0; at + 16 <= hex.size(); at += 16) {
    std::array<std::uint8_t, sizeof(vm::Insn)> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<std::uint8_t>(digit(hex[at + 2 * i]) << 4 | digit(hex[at + 2 * i + 1]));
    }
    vm::Insn insn;
    static_assert(sizeof insn == sizeof bytes);
    std::memcpy(&insn, bytes.data(), sizeof insn);
    program.insns.push_back(insn);
  }
  return program;
}

// References to no map of the case's become references to no map at all.
void unbind(vm::LoadedProgram& program) {
  constexpr std::uint8_t kLoadImm64 = 0x18;
  for (std::size_t i = 0; i < program.insns.size(); ++i) {
    vm::Insn& insn = program.insns[i];
    if (insn.opcode != kLoadImm64) continue;
    const auto kind = static_cast<vm::Imm64>(insn.src);
    if (kind == vm::Imm64::kMap || kind == vm::Imm64::kMapValue) insn.imm = -1;
    ++i;
  }
}

nlohmann::json answer(const nlohmann::json& one) {
  vm::LoadedProgram program = read_program(one);
  unbind(program);
  for (const auto& map : one.at("maps")) {
    std::string why;
    auto made = make(map.at("kind"), why);
    if (made == nullptr) return {{"accepted", false}, {"code", "map-type"}, {"message", why}};
    for (const std::size_t insn : map.at("insns")) {
      if (insn < program.insns.size()) program.insns[insn].imm = static_cast<std::int32_t>(program.maps.size());
    }
    program.maps.push_back(std::move(made));
  }
  const verifier::Outcome outcome =
      verifier::verify(std::move(program), helpers::table(), {.limits = {}, .allow_ptr_leaks = true});
  if (outcome.accepted()) return {{"accepted", true}, {"code", ""}, {"message", ""}};
  const verifier::Rejection& refusal = outcome.rejection();
  return {{"accepted", false},
          {"code", refusal.code},
          {"message", fmt::format("insn {}: {}", refusal.insn, refusal.message)}};
}

}  // namespace
}  // namespace sluice

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    fmt::print("{}\n", sluice::answer(nlohmann::json::parse(line)).dump());
  }
  return 0;
}
