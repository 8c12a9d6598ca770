// The running kernel as the oracle of what programs do with CPUMAP, XSKMAP, BLOOM_FILTER and other CPUs' values: the
// same contents, the same program, the same results.
#include <linux/if_xdp.h>
#include <sys/socket.h>

#include <functional>

#include <fmt/format.h>

#include "tests/support/kernel_perf.h"
#include "tests/support/programs.h"
#include "tests/unit/helpers/support.h"
#include "vm/interpreter.h"
#include "vm/maps/map.h"

namespace sluice::helpers::testing {
namespace {

using testing_support::KernelMap;

class KernelMaps : public ::testing::Test {
 protected:
  void SetUp() override {
    SLUICE_NEEDS_BPF();
    ASSERT_TRUE(here_.pinned());
  }
  void make(vm::MapType type, std::uint32_t key, std::uint32_t value, std::uint32_t most) {
    ours_ =
        std::move(*vm::make_map({.name = "m", .type = type, .key_size = key, .value_size = value, .max_entries = most},
                                testing_support::kernel_cpus()));
    theirs_.emplace_back(static_cast<std::uint32_t>(type), key, value, most, 0);
    ASSERT_GE(theirs_.back().fd(), 0);
  }
  [[nodiscard]] const KernelMap& theirs() const { return theirs_.back(); }

  // Runs it on frames whose first byte counts up: the same r0 each time. Calls `see` with it.
  void compare(const std::string& text, unsigned frames, const std::function<void(unsigned, std::int32_t)>& see = {}) {
    SCOPED_TRACE(text);
    vm::LoadedProgram loaded = testing_support::program_from_asm(text, vm::xdp_type(), {ours_});
    std::vector<vm::Insn> insns = loaded.insns;
    for (vm::Insn& insn : insns) {
      if (insn.opcode == 0x18 && insn.src == 1) insn.imm = theirs().fd();
    }
    const testing_support::KernelProgram program(insns.data(), insns.size());
    ASSERT_GE(program.fd(), 0) << "the kernel refuses the program";
    const vm::VerifiedProgram here = testing_support::unverified(std::move(loaded));
    for (unsigned number = 0; number < frames; ++number) {
      Frame frame(Model::kLinux, 60);
      frame.context.data[0] = static_cast<std::byte>(number);
      const auto expected = program.run(frame.bytes());
      ASSERT_EQ(expected.error, 0);
      vm::ExecEnv env;
      const auto result = static_cast<std::int32_t>(vm::interpret(here, frame.context, env, table()).r0);
      ASSERT_EQ(result, static_cast<std::int32_t>(expected.retval)) << "frame " << number;
      if (see) see(number, result);
    }
  }
  // redirect_map with keys and flags of all sorts.
  void compare_redirects() {
    for (const std::uint64_t key : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{3}, std::uint64_t{4},
                                    std::uint64_t{0xffffffff}, std::uint64_t{1} << 32}) {
      for (const std::uint64_t flags :
           {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{3}, std::uint64_t{4}, std::uint64_t{8},
            std::uint64_t{16}, std::uint64_t{24}, std::uint64_t{1} << 32}) {
        compare(fmt::format("lddw_map r1, 0\nlddw r2, {}\nlddw r3, {}\ncall redirect_map\nexit", key, flags), 1);
      }
    }
  }

  static constexpr std::string_view kFirstByte =
      "ldxw r2, [r1+0]\nldxw r3, [r1+4]\nmov r6, 0\nmov r4, r2\nadd r4, 1\njgt r4, r3, short\nldxb r6, [r2+0]\nshort: ";

  testing_support::OnFirstCpu here_;
  std::shared_ptr<vm::Map> ours_;
  std::vector<KernelMap> theirs_;
};

TEST_F(KernelMaps, RedirectsToCpus) {
  make(vm::MapType::kCpumap, 4, 4, 4);
  compare_redirects();
  const std::uint32_t key = 0;
  const std::uint32_t waiting = 64;
  ASSERT_EQ(ours_->write(reinterpret_cast<const std::byte*>(&key), reinterpret_cast<const std::byte*>(&waiting),
                         vm::UpdateMode::kAny),
            0);
  ASSERT_EQ(theirs().update(&key, &waiting, 0), 0);
  compare_redirects();
}

TEST_F(KernelMaps, RedirectsToSocketsAndReadsTheirQueue) {
  make(vm::MapType::kXskmap, 4, 4, 4);
  compare_redirects();
  const testing_support::Descriptor socket(::socket(AF_XDP, SOCK_RAW, 0));
  const int ring = 64;
  if (socket.get() < 0 || setsockopt(socket.get(), SOL_XDP, XDP_RX_RING, &ring, sizeof ring) != 0) {
    GTEST_SKIP() << "AF_XDP sockets are not to be had here: full slots were not compared";
  }
  const std::uint32_t key = 0;
  const std::uint32_t ifindex = 1;
  const int fd = socket.get();
  ASSERT_EQ(ours_->write(reinterpret_cast<const std::byte*>(&key), reinterpret_cast<const std::byte*>(&ifindex),
                         vm::UpdateMode::kAny),
            0);
  ASSERT_EQ(theirs().update(&key, &fd, 0), 0);
  compare_redirects();
  for (const unsigned index : {0U, 1U, 4U}) {
    compare(fmt::format("stw [r10-4], {}\nlddw_map r1, 0\nmov r2, r10\nadd r2, -4\ncall map_lookup_elem\nmov r1, r0\n"
                        "mov r0, 77\njeq r1, 0, out\nldxw r0, [r1+0]\nout: exit",
                        index),
            1);
  }
}

// Frames push what they begin with, or ask for it: the same answers as long as the filter is nearly empty.
TEST_F(KernelMaps, BloomFiltersPushAndPeek) {
  make(vm::MapType::kBloomFilter, 0, 8, 4000);
  unsigned found = 0;
  // Only frames that begin with 1, 5, 9, .. call.
  const std::string push = std::string(kFirstByte) +
                           "stxdw [r10-8], r6\nmov r0, 99\nand r6, 3\njne r6, 1, out\nlddw_map r1, 0\nmov r2, r10\n"
                           "add r2, -8\nmov r3, 0\ncall map_push_elem\nout: exit";
  const std::string peek =
      std::string(kFirstByte) + "stxdw [r10-8], r6\nlddw_map r1, 0\nmov r2, r10\nadd r2, -8\ncall map_peek_elem\nexit";
  compare(peek, 250, [&](unsigned, std::int32_t r0) { found += r0 == 0 ? 1 : 0; });
  EXPECT_EQ(found, 0U);
  compare(push, 250);
  compare(peek, 250, [&](unsigned number, std::int32_t r0) { found += (r0 == 0) == (number % 4 == 1) ? 1 : 0; });
  EXPECT_EQ(found, 250U);
  for (const unsigned flags : {1U, 2U, 3U, 4U}) {
    compare(
        fmt::format("stdw [r10-8], 7\nlddw_map r1, 0\nmov r2, r10\nadd r2, -8\nmov r3, {}\ncall map_push_elem\nexit",
                    flags),
        1);
  }
}

// Each frame counts in this CPU's value and then reads the value of the CPU its first byte names.
TEST_F(KernelMaps, ValuesOfEveryCpu) {
  const std::string text = std::string(kFirstByte) + R"(
      stw [r10-4], 1
      stdw [r10-16], 5
      lddw_map r1, 0
      mov r2, r10
      add r2, -4
      mov r3, r10
      add r3, -16
      mov r4, 0
      call map_update_elem
      lddw_map r1, 0
      mov r2, r10
      add r2, -4
      mov r3, r6
      call map_lookup_percpu_elem
      mov r1, r0
      mov r0, 99
      jeq r1, 0, out
      ldxdw r0, [r1+0]
out:  exit
)";
  for (const vm::MapType type : {vm::MapType::kPercpuArray, vm::MapType::kPercpuHash, vm::MapType::kLruPercpuHash}) {
    make(type, 4, 8, 16);
    unsigned null = 0;
    compare(text, 200, [&](unsigned, std::int32_t r0) { null += r0 == 99 ? 1 : 0; });
    EXPECT_EQ(null, 200 - testing_support::kernel_cpus());
  }
}

}  // namespace
}  // namespace sluice::helpers::testing
