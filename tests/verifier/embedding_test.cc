// State embedding over every accepted program of the suite: the corpus' accept/, our programs/ and the tests' objects,
// on frames whose lengths lie at the proven bounds, one below and one above, and on others. And that a wrong claim is
// noticed, of every kind there is.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "helpers/table.h"
#include "tests/support/claims.h"
#include "tests/support/embedding.h"
#include "tests/verifier/case.h"
#include "tests/verifier/judge.h"
#include "verifier/verifier.h"
#include "vm/elf.h"
#include "vm/maps/map.h"

namespace sluice::verifier {
namespace {

using testing_support::Bytes;
using testing_support::Claims;
using testing_support::VerifierCase;

constexpr std::size_t kFramesAtBounds = 240;
constexpr std::size_t kOtherFrames = 120;

const std::vector<Bytes>& models() {
  static const std::vector<Bytes> all = [] {
    std::vector<Bytes> made;
    for (auto& packet : testing_support::all_packets()) made.push_back(std::move(packet.bytes));
    return made;
  }();
  return all;
}

std::vector<Bytes> frames_for(const Claims& claims, std::uint32_t seed) {
  std::vector<Bytes> frames = testing_support::frames_of_lengths(claims.lengths(), models(), seed);
  std::mt19937 random(seed);
  std::ranges::shuffle(frames, random);
  frames.resize(std::min(frames.size(), kFramesAtBounds));
  for (auto& frame : testing_support::random_frames(seed, kOtherFrames / 2)) frames.push_back(std::move(frame));
  for (std::size_t i = 0; i < kOtherFrames / 2; ++i) frames.push_back(models()[random() % models().size()]);
  return frames;
}

struct Mode {
  const char* name;
  Options options;
  Claims::What what;
};
constexpr std::uint32_t kEnds = 400'000;  // instructions; without pruning some real programs have many more
const Mode kModes[] = {
    {"pruned by all", {.record_claims = true}, Claims::What::kAll},
    {"pruned as in production", {}, Claims::What::kLive},
    {"not pruned", {.limits = {.processed = kEnds}, .prune = false}, Claims::What::kAll},
};

// What goes wrong with an accepted program, or nothing.
std::string embed(const vm::LoadedProgram& program, const Mode& mode, std::uint64_t memory, std::uint64_t& judged) {
  Claims claims(mode.what);
  Options options = mode.options;
  options.memory_size = memory;
  options.observer = &claims;
  Outcome outcome = verify(program, helpers::table(), options);
  if (!outcome.accepted()) {
    const bool endless = !options.prune && outcome.rejection().code == "too-complex";
    return endless ? std::string{} : render(outcome.rejection(), program);
  }
  const bool is_memory = program.type->context == vm::ContextKind::kMemory;
  std::vector<Bytes> frames = frames_for(claims, 11);
  if (is_memory) std::ranges::for_each(frames, [memory](Bytes& bytes) { bytes.resize(memory); });
  std::string what = testing_support::violation(std::move(outcome).take(), helpers::table(), frames, 5, &claims);
  judged += claims.judged();
  return what;
}

class Embedding : public testing::TestWithParam<std::string> {};

TEST_P(Embedding, OfEveryMachineInAStateThatWasWalked) {
  for (const Mode& mode : kModes) {
    const VerifierCase one = testing_support::read_case("accept", GetParam());
    std::uint64_t judged = 0;
    EXPECT_EQ(embed(one.program, mode, testing_support::kCaseMemory, judged), "") << mode.name;
    EXPECT_GT(judged, 0U) << mode.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Corpus, Embedding, testing::ValuesIn(testing_support::case_names("accept")),
                         testing_support::case_test_name);

std::vector<std::string> objects() {
  std::vector<std::string> paths;
  for (const char* folder : {SLUICE_PROGRAMS, SLUICE_TEST_OBJECTS}) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().extension() == ".o") paths.push_back(entry.path());
    }
  }
  std::ranges::sort(paths);
  return paths;
}

// Arrays hold noise, tries a route for everything: look-ups find something.
void fill(const std::vector<std::shared_ptr<vm::Map>>& maps) {
  std::mt19937 random(3);
  for (const auto& map : maps) {
    const vm::MapSpec& spec = map->spec();
    const bool array = spec.type == vm::MapType::kArray || spec.type == vm::MapType::kPercpuArray;
    if (map->frozen() || (!array && spec.type != vm::MapType::kLpmTrie)) continue;
    for (std::uint32_t i = 0; i < std::min<std::uint32_t>(array ? spec.max_entries : 1, 64); ++i) {
      Bytes key(spec.key_size), value(map->transfer_size());
      if (array) std::copy_n(reinterpret_cast<const std::byte*>(&i), 4, key.begin());
      for (std::byte& byte : value) byte = static_cast<std::byte>(random() % 2 == 0 ? random() % 4 : random());
      map->write(key.data(), value.data(), vm::UpdateMode::kAny);
    }
  }
}

TEST(EmbeddingOfObjects, EveryAcceptedProgramStaysInsideItsClaims) {
  std::size_t accepted = 0;
  for (const std::string& path : objects()) {
    const auto object = vm::load_elf(path, {.list_only = true});
    if (!object) continue;  // made to be wrong
    for (const vm::LoadedProgram& program : object->programs) {
      std::uint64_t judged = 0;
      for (const Mode& mode : kModes) {
        const auto maps = vm::make_maps(*object, 2);
        if (!maps) break;
        const vm::LoadedProgram bound = vm::bind(program, *maps);
        if (!verify(bound, helpers::table(), {.memory_size = 64}).accepted()) break;
        fill(*maps);
        EXPECT_EQ(embed(bound, mode, 64, judged), "") << path << ' ' << program.name << ", " << mode.name;
        ++accepted;
      }
    }
  }
  EXPECT_GE(accepted, 60U);
}

// --- what the test would notice ---

// Spoils a claim that says something; false when this one says nothing of the kind.
using Spoil = std::function<bool(Reg&)>;
struct Kind {
  const char* name;
  Spoil spoil;
};
Scalar elsewhere(const Scalar& value) {
  return Scalar::constant(value.is_constant() ? value.constant_value() + 1 : value.umax() / 2);
}
const Kind kKinds[] = {
    {"number", [](Reg& reg) { return reg.is_scalar() && (reg.value = elsewhere(reg.value), true); }},
    {"upper bound",
     [](Reg& reg) {
       if (!reg.is_scalar() || reg.value.is_constant() || reg.value.umin() != 0 || reg.value.umax() > 255) return false;
       reg.value = Scalar::range(0, reg.value.umax() / 4);
       return true;
     }},
    {"packet offset", [](Reg& reg) { return reg.type == Type::kPacket && (reg.offset += 1, true); }},
    {"packet range", [](Reg& reg) { return reg.type == Type::kPacket && reg.range > 0 && (reg.range += 300, true); }},
    {"stack offset", [](Reg& reg) { return reg.type == Type::kStack && (reg.offset -= 8, true); }},
    {"map value offset", [](Reg& reg) { return reg.type == Type::kMapValue && (reg.offset += 1, true); }},
    {"kind", [](Reg& reg) { return reg.type == Type::kPacketEnd && (reg = Reg::pointer(Type::kPacket), true); }},
};

// A verifier that learns too much, seen at one instruction of a program: is it noticed there?
bool noticed(const std::string& name, const Kind& kind, bool spilled) {
  const VerifierCase one = testing_support::read_case("accept", name);
  Claims claims(Claims::What::kAll);
  Outcome outcome = verify(one.program, helpers::table(),
                           {.record_claims = true, .memory_size = testing_support::kCaseMemory, .observer = &claims});
  const vm::VerifiedProgram program = std::move(outcome).take();
  bool spoilt = false;
  for (Claims::Remembered& here : claims.remembered()) {
    for (State& state : here.states) {
      Frame& frame = state.top();
      for (Reg& reg : frame.regs) {
        if (!spilled) spoilt |= kind.spoil(reg);
      }
      for (Slot& slot : frame.stack) {
        if (spilled && slot.bytes[0] == Byte::kSpill) spoilt |= kind.spoil(slot.spill);
      }
    }
  }
  if (!spoilt) return false;
  std::vector<Bytes> frames = frames_for(claims, 11);
  if (one.program.type->context == vm::ContextKind::kMemory) {
    for (Bytes& bytes : frames) bytes.resize(testing_support::kCaseMemory);
  }
  return !testing_support::violation(program, helpers::table(), frames, 5, &claims).empty();
}

TEST(EmbeddingOfWrongClaims, IsNoticedForEveryKindInRegistersAndOnTheStack) {
  for (const Kind& kind : kKinds) {
    for (const bool spilled : {false, true}) {
      std::size_t count = 0;
      for (const std::string& name : testing_support::case_names("accept"))
        count += noticed(name, kind, spilled) ? 1 : 0;
      std::printf("%s%s: noticed in %zu programs\n", kind.name, spilled ? ", spilled" : "", count);
      // The corpus spills numbers and packet pointers.
      const bool expected = !spilled || std::string_view(kind.name) == "number";
      EXPECT_TRUE(count > 0 || !expected) << kind.name << (spilled ? ", spilled" : "");
    }
  }
}

}  // namespace
}  // namespace sluice::verifier
