// The running kernel as the oracle of bpf_perf_event_output: the same program on the same frames, the same results and
// the same records in the readers' rings.
#include <fmt/format.h>

#include "tests/support/kernel_perf.h"
#include "tests/support/programs.h"
#include "tests/unit/helpers/support.h"
#include "vm/interpreter.h"
#include "vm/maps/perf_event_array.h"

namespace sluice::helpers::testing {
namespace {

using testing_support::KernelPerfRing;
using testing_support::PerfRecord;

// The kernel's padding is what was in the ring before; we tell how long a record is.
void expect_alike(const PerfRecord& ours, const PerfRecord& theirs) {
  EXPECT_EQ(ours.lost, theirs.lost);
  if (theirs.lost != 0) return;
  EXPECT_EQ((ours.bytes.size() + 4 + 7) / 8 * 8 - 4, theirs.bytes.size());
  EXPECT_TRUE(std::equal(ours.bytes.begin(), ours.bytes.end(), theirs.bytes.begin())) << "other bytes";
}

std::vector<PerfRecord> drain(vm::PerfRing& ring) {
  std::vector<PerfRecord> records;
  const auto see = [](void* to, const vm::PerfRing::Record& record) {
    static_cast<std::vector<PerfRecord>*>(to)->push_back(
        {std::vector(record.bytes.begin(), record.bytes.end()), record.lost});
  };
  while (ring.consume(see, &records)) continue;
  return records;
}

class KernelEvents : public ::testing::Test {
 protected:
  static constexpr std::uint32_t kRingBytes = 8192;

  void SetUp() override {
    SLUICE_NEEDS_BPF();
    if (!theirs_.works()) GTEST_SKIP() << "perf_event_open(2) is not permitted here: nothing was compared";
    ASSERT_TRUE(here_.pinned());
  }
  // A program that outputs the first `bytes` of a 64-byte buffer on the stack with `flags`.
  static std::string text(std::uint64_t flags, unsigned bytes) {
    std::string text = "mov r6, r1\n";
    for (int at = 64; at > 0; at -= 8) {
      text += fmt::format("lddw r1, {}\nstxdw [r10-{}], r1\n", 0x0123'4567'89ab'cdefU * static_cast<unsigned>(at), at);
    }
    return text + fmt::format(
                      "lddw_map r2, 0\nmov r1, r6\nlddw r3, {}\nmov r4, r10\nadd r4, -64\nmov r5, {}\n"
                      "call perf_event_output\nexit",
                      flags, bytes);
  }
  void attach() {
    const std::uint32_t key = 0;
    const int fd = theirs_.fd();
    ASSERT_EQ(their_map_.update(&key, &fd, 0), 0);
    ASSERT_EQ(ours().open(0, kRingBytes), 0);
  }
  vm::PerfEventArray& ours() { return dynamic_cast<vm::PerfEventArray&>(*our_map_); }

  // Runs it on `runs` frames here and there: the same results.
  void run(const std::string& text, unsigned runs, std::size_t size, std::size_t frag = 0) {
    SCOPED_TRACE(text);
    vm::LoadedProgram loaded = testing_support::program_from_asm(text, vm::xdp_type(), {our_map_});
    std::vector<vm::Insn> insns = loaded.insns;
    for (vm::Insn& insn : insns) {
      if (insn.opcode == 0x18 && insn.src == 1) insn.imm = their_map_.fd();
    }
    const testing_support::KernelProgram program(insns.data(), insns.size(), true);
    ASSERT_GE(program.fd(), 0) << "the kernel refuses the program";
    const vm::VerifiedProgram here = testing_support::unverified(std::move(loaded));
    for (unsigned i = 0; i < runs; ++i) {
      Frame frame(Model::kLinux, size, frag);
      const auto expected = program.run(frame.bytes());
      ASSERT_EQ(expected.error, 0);
      vm::ExecEnv env;
      const vm::RunResult result = vm::interpret(here, frame.context, env, table());
      ASSERT_EQ(static_cast<std::int32_t>(result.r0), static_cast<std::int32_t>(expected.retval)) << "run " << i;
    }
  }
  void expect_same_records(std::size_t at_least) {
    const auto ours_now = drain(*ours().ring(0));
    const auto theirs_now = theirs_.drain();
    ASSERT_EQ(ours_now.size(), theirs_now.size());
    EXPECT_GE(ours_now.size(), at_least);
    for (std::size_t i = 0; i < ours_now.size(); ++i) expect_alike(ours_now[i], theirs_now[i]);
  }

  testing_support::OnFirstCpu here_;
  KernelPerfRing theirs_{0, kRingBytes};
  std::shared_ptr<vm::Map> our_map_ = std::move(*vm::make_map(
      {.name = "events", .type = vm::MapType::kPerfEventArray, .max_entries = 4}, testing_support::kernel_cpus()));
  testing_support::KernelMap their_map_{BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 4, 0};
};

constexpr std::uint64_t kCurrentCpu = 0xffffffff;

TEST_F(KernelEvents, FlagsAndSlotsAreJudgedAlike) {
  for (const bool with_reader : {false, true}) {
    if (with_reader) attach();
    for (const std::uint64_t flags :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{3}, std::uint64_t{4}, std::uint64_t{0xfffffffe},
          kCurrentCpu, std::uint64_t{60} << 32, kCurrentCpu | std::uint64_t{61} << 32, std::uint64_t{61} << 32 | 9,
          kCurrentCpu | std::uint64_t{0xfffff} << 32, std::uint64_t{1} << 52, std::uint64_t{1} << 63 | 9}) {
      run(text(flags, 16), 1, 60);
    }
  }
  expect_same_records(3);
}

TEST_F(KernelEvents, RecordsAndTheirBytesAreAlike) {
  attach();
  for (unsigned bytes = 0; bytes <= 64; bytes += bytes < 10 ? 1 : 9) {
    for (const std::uint64_t of_frame : {0U, 1U, 2U, 14U, 59U, 60U}) {
      run(text(kCurrentCpu | of_frame << 32, bytes), 2, 60);
      expect_same_records(2);
    }
  }
}

TEST_F(KernelEvents, FramesInFragmentsAreAlike) {
  attach();
  for (const std::uint64_t of_frame : {3519U, 3520U, 3521U, 5000U, 5001U}) {
    run(text(kCurrentCpu | of_frame << 32, 8), 1, 3520, 1480);
    expect_same_records(of_frame <= 5000 ? 1 : 0);
  }
}

// Until the ring is full and beyond, with readers that empty it now and then.
TEST_F(KernelEvents, WhatFindsNoRoomIsLostAlike) {
  attach();
  for (const std::uint64_t of_frame : {0U, 5U, 60U, 611U, 1498U, 3000U}) {
    for (const unsigned bytes : {0U, 4U, 5U, 61U}) {
      run(text(kCurrentCpu | of_frame << 32, bytes), 600, 3200);
      expect_same_records(2);
      run(text(kCurrentCpu | of_frame << 32, bytes), 1, 3200);
      run(text(kCurrentCpu | std::uint64_t{1} << 32, bytes), 1, 3200);
      expect_same_records(2);
    }
  }
}

}  // namespace
}  // namespace sluice::helpers::testing
