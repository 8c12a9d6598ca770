// Every accepted program of the corpus on the interpreter and on the JIT: the same verdicts, frames, map contents and
// records of ring buffers.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "helpers/table.h"
#include "jit/jit.h"
#include "tests/support/packets.h"
#include "tests/support/programs.h"
#include "tests/verifier/case.h"
#include "tests/verifier/judge.h"
#include "verifier/verifier.h"
#include "vm/interpreter.h"
#include "vm/maps/perf_event_array.h"
#include "vm/maps/ringbuf.h"
#include "vm/timers.h"

namespace sluice::verifier {
namespace {

using testing_support::read_case;
using testing_support::TestFrame;
using testing_support::VerifierCase;

// All that can be seen of a run, a line each.
using Seen = std::vector<std::string>;

void look_into(vm::Map& map, Seen& seen) {
  if (auto* const ring = dynamic_cast<vm::Ringbuf*>(&map)) {
    const auto see = [](void* to, std::span<const std::byte> record) {
      static_cast<Seen*>(to)->push_back("record " + testing_support::to_hex(record));
    };
    while (ring->consume(see, &seen)) continue;
    return;
  }
  if (auto* const events = dynamic_cast<vm::PerfEventArray*>(&map)) {
    const auto see = [](void* to, const vm::PerfRing::Record& record) {
      static_cast<Seen*>(to)->push_back("record " + testing_support::to_hex(record.bytes));
    };
    while (events->ring(0)->consume(see, &seen)) continue;
    return;
  }
  const std::size_t before = seen.size();
  std::vector<std::byte> key(map.spec().key_size);
  std::vector<std::byte> value(map.transfer_size());
  for (bool more = map.next_key(nullptr, key.data()); more; more = map.next_key(key.data(), key.data())) {
    if (map.read(key.data(), value.data()) != 0) continue;
    seen.push_back(testing_support::to_hex(key) + ": " + testing_support::to_hex(value));
  }
  std::sort(seen.begin() + static_cast<std::ptrdiff_t>(before), seen.end());  // hashes have no order
}

// `prepare` gives what runs the program once on a frame and returns the verdict.
template <typename Prepare>
Seen run_all(const std::string& name, const Prepare& prepare) {
  VerifierCase one = read_case("accept", name);
  const auto maps = one.program.maps;
  for (const auto& map : maps) {
    if (auto* const events = dynamic_cast<vm::PerfEventArray*>(map.get())) events->open_all(1U << 20);
  }
  Outcome outcome = verify(std::move(one.program), helpers::table());
  Seen seen;
  if (!outcome.accepted()) return {"refused"};
  const vm::VerifiedProgram proven = std::move(outcome).take();
  const auto run = prepare(proven);
  vm::ExecEnv env;
  env.clock.is_virtual = true;
  vm::LocalTimers timers(maps);
  env.timers = timers.get();
  for (const auto& packet : testing_support::all_packets()) {
    TestFrame frame(packet.bytes);
    env.clock.virtual_ns += 1000;
    const std::uint32_t verdict = run(frame.context(), env);
    if (env.timers != nullptr) env.timers->run_due(env.clock.virtual_ns + 500, 64, env);
    seen.push_back(packet.name + ": " + std::to_string(verdict) + " " + frame.hex());
  }
  for (const auto& map : maps) look_into(*map, seen);
  return seen;
}

Seen interpreted(const std::string& name) {
  return run_all(name, [](const vm::VerifiedProgram& program) {
    return [&program](vm::XdpContext& context, vm::ExecEnv& env) {
      return static_cast<std::uint32_t>(vm::interpret(program, context, env, helpers::table()).r0);
    };
  });
}

Seen compiled(const std::string& name) {
  return run_all(name, [](const vm::VerifiedProgram& program) {
    auto code = std::make_shared<jit::CompiledProgram>(std::move(*jit::compile(program, helpers::table())));
    return [code](vm::XdpContext& context, vm::ExecEnv& env) {
      std::uint32_t verdict = 0;
      code->burst()(&context, 1, &verdict, &env);
      return verdict;
    };
  });
}

class Engines : public testing::TestWithParam<std::string> {};

TEST_P(Engines, Agree) {
  if (read_case("accept", GetParam()).program.type->context != vm::ContextKind::kXdp) {
    GTEST_SKIP() << "no frames: the conformance suite runs such programs on all engines";
  }
  const Seen expected = interpreted(GetParam());
  EXPECT_GE(expected.size(), testing_support::all_packets().size());
  const bool records =
      std::ranges::any_of(expected, [](const std::string& line) { return line.starts_with("record "); });
  EXPECT_EQ(records, GetParam().starts_with("record-")) << "cases of that name submit records, no others";
  EXPECT_EQ(compiled(GetParam()), expected);
}

INSTANTIATE_TEST_SUITE_P(Corpus, Engines, testing::ValuesIn(testing_support::case_names("accept")),
                         testing_support::case_test_name);

}  // namespace
}  // namespace sluice::verifier
