// The running kernel as the oracle of helpers: the same instructions on the same frames there and in
// the interpreter with the real table must give the same r0, bytes and metadata.
#include <numeric>

#include <fmt/format.h>

#include "tests/support/bpf_syscall.h"
#include "tests/support/programs.h"
#include "tests/unit/helpers/support.h"
#include "vm/interpreter.h"
#include "vm/maps/map.h"

namespace sluice::helpers::testing {
namespace {

using testing_support::KernelProgram;
using testing_support::KernelRun;

class KernelComparison : public ::testing::Test {
 protected:
  void SetUp() override { SLUICE_NEEDS_BPF(); }

  // Runs `text` on frames of `size` bytes, `frag` of them behind the linear part.
  static void compare(const std::string& text, std::size_t size, std::size_t frag = 0) {
    SCOPED_TRACE(fmt::format("{} + {} bytes, program:\n{}", size, frag, text));
    vm::LoadedProgram loaded = testing_support::program_from_asm(text, vm::xdp_type());
    const KernelProgram program(loaded.insns.data(), loaded.insns.size(), true);
    ASSERT_GE(program.fd(), 0) << "the kernel refuses the program";
    Frame frame(Model::kLinux, size, frag);
    std::fill(frame.context.hard_start, frame.context.data, std::byte{0});  // as the kernel's is
    const KernelRun expected = program.run(frame.bytes());
    ASSERT_EQ(expected.error, 0);
    vm::ExecEnv env;
    const vm::VerifiedProgram ours = testing_support::unverified(std::move(loaded));
    const vm::RunResult result = vm::interpret(ours, frame.context, env, table());
    EXPECT_EQ(static_cast<std::int32_t>(result.r0), static_cast<std::int32_t>(expected.retval));
    std::vector<std::byte> all(frame.context.data_meta, frame.context.data);
    const auto bytes = frame.bytes();
    all.insert(all.end(), bytes.begin(), bytes.end());
    EXPECT_EQ(all.size(), expected.data.size());
    EXPECT_TRUE(all == expected.data) << "other bytes";
  }
  // Runs `text`, which names maps by their place in `specs`, on one frame after another, here and there with maps that
  // start empty: the same r0 each time.
  static void compare_with_maps(const std::string& text, const std::vector<vm::MapSpec>& specs, unsigned frames) {
    SCOPED_TRACE(text);
    std::vector<std::shared_ptr<vm::Map>> maps;
    std::vector<testing_support::KernelMap> theirs;
    for (const vm::MapSpec& spec : specs) {
      maps.push_back(std::move(*vm::make_map(spec, 1)));
      theirs.emplace_back(static_cast<std::uint32_t>(spec.type), spec.key_size, spec.value_size, spec.max_entries,
                          spec.flags);
      ASSERT_GE(theirs.back().fd(), 0);
    }
    vm::LoadedProgram loaded = testing_support::program_from_asm(text, vm::xdp_type(), maps);
    std::vector<vm::Insn> insns = loaded.insns;
    for (std::size_t i = 0; i + 1 < insns.size(); ++i) {
      const vm::InsnRow* row = vm::find(insns[i]);
      if (row == nullptr || row->kind != vm::Kind::kLoadImm64 || insns[i].src == 0) continue;
      insns[i].imm = theirs[static_cast<std::size_t>(insns[i].imm)].fd();
      ++i;
    }
    const KernelProgram program(insns.data(), insns.size());
    ASSERT_GE(program.fd(), 0) << "the kernel refuses the program";
    const vm::VerifiedProgram ours = testing_support::unverified(std::move(loaded));
    for (unsigned number = 0; number < frames; ++number) {
      Frame frame(Model::kLinux, 60);
      frame.context.data[0] = static_cast<std::byte>(number);  // what the program goes by
      const KernelRun expected = program.run(frame.bytes());
      ASSERT_EQ(expected.error, 0);
      vm::ExecEnv env;
      const vm::RunResult result = vm::interpret(ours, frame.context, env, table());
      ASSERT_EQ(static_cast<std::int32_t>(result.r0), static_cast<std::int32_t>(expected.retval)) << "frame " << number;
    }
  }
  // One helper of (ctx, delta), its result in r0.
  static std::string one(int helper, std::int64_t delta) {
    return fmt::format("lddw r2, {}\ncall {}\nexit", delta, helper);
  }
};

TEST_F(KernelComparison, AdjustHeadAtItsLimits) {
  for (const int delta : {-257, -256, -217, -216, -215, -14, -1, 0, 1, 45, 46, 47, 60, 1 << 30, -(1 << 30)}) {
    compare(one(44, delta), 60);
  }
  compare(one(44, 0x5'0000'0004), 60);
}

TEST_F(KernelComparison, AdjustMetaAtItsLimits) {
  for (int delta = -260; delta <= 8; ++delta) compare(one(54, delta), 60);
}

TEST_F(KernelComparison, AdjustTailAtItsLimits) {
  for (const int delta : {-3507, -47, -46, -45, -1, 0, 1, 3459, 3460, 3461, 5000, 1 << 30}) compare(one(65, delta), 60);
}

TEST_F(KernelComparison, AdjustTailOfFragments) {
  for (const int delta : {-9000, -8999, -8987, -8986, -8985, -5481, -5480, -5479, -1, 0, 1, 2711, 2712, 2713, 4096}) {
    compare(one(65, delta), 3520, 5480);
  }
  for (const int delta : {-1, 0, 1}) compare(one(65, delta), 3520, 4096);
}

TEST_F(KernelComparison, HeadAndMetadataTogether) {
  for (const int meta : {4, 8, 32, 216}) {
    for (const int delta : {-300, -216, -208, -184, -8, 0, 8, 46, 47}) {
      compare(fmt::format("mov r6, r1\nmov r2, {}\ncall 54\nmov r7, r0\nmov r1, r6\nmov r2, {}\ncall 44\n"
                          "lsh r7, 8\nxor r0, r7\nexit",
                          -meta, delta),
              60);
    }
  }
}

TEST_F(KernelComparison, LengthOfAFrame) {
  for (const std::size_t size : {14U, 60U, 1514U, 3520U}) compare("call 188\nexit", size);
  compare("call 188\nexit", 3520, 5480);
}

TEST_F(KernelComparison, LoadAndStoreBytesAcrossTheEndOfTheLinearPart) {
  const std::string zero = "mov r3, 0\nstxdw [r10-8], r3\nstxdw [r10-16], r3\nmov r3, r10\nadd r3, -16\n";
  const std::string sum =
      "ldxdw r1, [r10-8]\nldxdw r2, [r10-16]\nxor r1, r2\nmov r2, r1\nrsh r2, 32\nxor r1, r2\nxor r0, r1\nexit";
  for (const std::int64_t offset : {0, 1, 3504, 3505, 3512, 3519, 3520, 8984, 8985, 9000, 65535, 65536, -1}) {
    compare(zero + fmt::format("lddw r2, {}\nmov r4, 16\ncall 189\n", offset) + sum, 3520, 5480);
    compare(zero + fmt::format("lddw r2, {}\nmov r4, 16\ncall 190\nexit", offset), 3520, 5480);
  }
}

TEST_F(KernelComparison, ChecksumDifferencesInAllForms) {
  const auto text = [](std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d, int from, int to,
                       std::uint32_t seed) {
    return fmt::format(
        "mov32 r1, {}\nstxw [r10-16], r1\nmov32 r1, {}\nstxw [r10-12], r1\nmov32 r1, {}\nstxw [r10-8], r1\n"
        "mov32 r1, {}\nstxw [r10-4], r1\n{}\nmov r2, {}\n{}\nmov r4, {}\nmov32 r5, {}\ncall 28\nexit",
        static_cast<std::int32_t>(a), static_cast<std::int32_t>(b), static_cast<std::int32_t>(c),
        static_cast<std::int32_t>(d), from != 0 ? "mov r1, r10\nadd r1, -16" : "mov r1, 0", from,
        to != 0 ? "mov r3, r10\nadd r3, -8" : "mov r3, 0", to, static_cast<std::int32_t>(seed));
  };
  constexpr std::uint32_t kWords[] = {0, 1, 0xffff, 0x10000, 0xffffffff, 0x12345678, 0xfffffffe};
  for (const std::uint32_t a : kWords) {
    for (const std::uint32_t c : kWords) {
      for (const std::uint32_t seed : {0U, 1U, 0xffffU, 0xffffffffU, 0x89abcdefU}) {
        for (const auto& [from, to] : {std::pair{0, 0}, {8, 0}, {0, 8}, {8, 8}, {4, 8}, {8, 4}}) {
          compare(text(a, c ^ 5, c, a + 3, from, to, seed), 60);
        }
      }
    }
  }
  for (int from = 0; from <= 8; ++from) {
    for (int to = 0; to <= 8; ++to) compare(text(0x81234567, 0xfedcba98, 0x91827364, 0xffeeddcc, from, to, 5), 60);
  }
}

// Two clocks cannot be read at once: the kernel's answer lies between two of ours. Milliseconds fit a verdict.
TEST_F(KernelComparison, ClocksAreTheKernels) {
  struct Row {
    int helper;
    std::uint64_t unit;  // what the answer is divided by
    std::int64_t slack;  // ticks that come late; those while the kernel starts
  };
  for (const auto& [helper, unit, slack] : {Row{5, 1'000'000, 0}, Row{125, 1'000'000, 0}, Row{160, 1'000'000, 4},
                                            Row{208, 1'000'000, 0}, Row{118, 1, 1000}}) {
    const std::string text = fmt::format("call {}\ndiv r0, {}\nexit", helper, unit);
    const vm::LoadedProgram loaded = testing_support::program_from_asm(text, vm::xdp_type());
    const KernelProgram program(loaded.insns.data(), loaded.insns.size());
    ASSERT_GE(program.fd(), 0) << helper;
    vm::ExecEnv env;
    const auto ours = [&] { return table().find(helper)->fn(0, 0, 0, 0, 0, env) / unit; };
    const std::uint64_t before = ours();
    const KernelRun theirs = program.run(Frame(Model::kLinux, 60).bytes());
    const std::uint64_t after = ours();
    ASSERT_EQ(theirs.error, 0);
    const auto since = static_cast<std::int32_t>(theirs.retval - static_cast<std::uint32_t>(before));
    EXPECT_GE(since, -slack) << helper;
    EXPECT_LE(since, static_cast<std::int64_t>(after - before) + slack) << helper;
  }
}

TEST_F(KernelComparison, RedirectAndItsFlags) {
  for (const std::int64_t flags : {std::int64_t{1}, std::int64_t{8}, INT64_MIN, std::int64_t{1} << 32}) {
    compare(fmt::format("mov r1, 1\nlddw r2, {}\ncall 23\nexit", flags), 60);
  }
}

// Formats by 8 bytes on the stack: which the kernel takes, and the length of what it prints.
TEST_F(KernelComparison, TracePrintkTakesTheSameFormatsAndPrintsTheSameLengths) {
  for (const std::string_view format :
       {"hello",   "%d",     "%5d|",     "%-5d|",    "%05d",     "%+d% d",   "%x %X",  "%lx",      "%lld",
        "%llu %u", "%i",     "%c%3c",    "%%%d",     "%",        "%5",       "%l",     "%lll",     "%hd",
        "%f",      "%o",     "%n",       "%*d",      "%.3d",     "%#x",      "%q",     "%s1",      "%pk",
        "%pa",     "%pI",    "%pI5",     "%pM",      "%p1",      "%-",       "%5%",    "\x80",     "\x01",
        "a\x7f",   "%d%d%d", "%d%d%d%d", "%d%u%x%%", "%px",      "%pi6",     "%2000d", "%0",       "% +0-3d",
        "%-3c|",   "%3%",    "a\nb\tc",  "%llx%li",  "%ld%lu",   "%X",       "%lX",    "\xc3\xbc", "%\x80",
        "%d\x80",  "%s\x80", "%p\x80",   "%5\x80",   "\xa0\xff", "%pi4\x80", "%c\x80", "\x7f",     "\x1b",
        "%s\xa1",  "%p\xa0", "%s\xd7",   "%p\xf7",   "%s\xff",   "%pI4 ",    "%pi4",   "%pI6"}) {
    std::string text;
    std::string padded(format);
    padded.resize(16);
    for (int i = 0; i < 2; ++i) {
      std::uint64_t word = 0;
      std::memcpy(&word, padded.data() + 8 * i, 8);
      text += fmt::format("lddw r1, {}\nstxdw [r10-{}], r1\n", word, 16 - 8 * i);
    }
    text += fmt::format(
        "mov r1, r10\nadd r1, -16\nmov r2, {}\nmov r3, -300\nlddw r4, 0x7000000ff\nmov r5, 65\ncall 6\nexit",
        format.size() + 1);
    compare(text, 60);
  }
}

// Each frame pushes, pops or peeks, as its first byte says; the result tells value and errno.
TEST_F(KernelComparison, QueuesAndStacks) {
  const std::string text = R"(
      ldxw r2, [r1+0]
      ldxw r3, [r1+4]
      mov r4, r2
      add r4, 1
      jgt r4, r3, out
      ldxb r6, [r2+0]
      mov r8, -1
      stxdw [r10-8], r8
      mov r7, r6
      mod r7, 7
      jgt r7, 3, take
      stxdw [r10-8], r6
      lddw_map r1, 0
      mov r2, r10
      add r2, -8
      mov r3, r7
      call 87
      ja sum
take: lddw_map r1, 0
      mov r2, r10
      add r2, -8
      jeq r7, 4, peek
      call 88
      ja sum
peek: call 89
sum:  lsh r0, 16
      ldxdw r1, [r10-8]
      xor r0, r1
      exit
out:  mov r0, 0
      exit
)";
  for (const vm::MapType type : {vm::MapType::kQueue, vm::MapType::kStack}) {
    for (const std::uint32_t most : {1U, 2U, 5U}) {
      compare_with_maps(text, {{.name = "q", .type = type, .key_size = 0, .value_size = 8, .max_entries = most}}, 250);
    }
  }
}

// Every frame leaves a record or is told that there is no room, until the ring is full.
TEST_F(KernelComparison, RingBuffersFillUpAsInTheKernel) {
  const vm::MapSpec ring{
      .name = "r", .type = vm::MapType::kRingbuf, .key_size = 0, .value_size = 0, .max_entries = 4096};
  for (const unsigned size : {0U, 1U, 8U, 100U, 600U, 1021U, 2030U, 4080U, 4081U, 4088U, 4097U}) {
    for (const std::string_view end : {"ringbuf_submit", "ringbuf_discard"}) {
      compare_with_maps(fmt::format("lddw_map r1, 0\nmov r2, {}\nmov r3, 0\ncall ringbuf_reserve\nmov r7, 1\n"
                                    "jeq r0, 0, none\nmov r7, 0\nmov r1, r0\nmov r2, 0\ncall {}\n"
                                    "none: lddw_map r1, 0\nmov r2, 0\ncall ringbuf_query\nlsh r0, 1\nor r0, r7\nexit",
                                    size, end),
                        {ring}, 12);
    }
  }
  for (const unsigned flags : {0U, 1U, 2U, 3U, 4U}) {
    for (const unsigned query : {0U, 1U, 2U, 3U, 4U, 99U}) {
      compare_with_maps(fmt::format("stdw [r10-8], 7\nlddw_map r1, 0\nmov r2, r10\nadd r2, -8\nmov r3, 8\nmov r4, {}\n"
                                    "call ringbuf_output\nmov r7, r0\nlddw_map r1, 0\nmov r2, {}\ncall ringbuf_query\n"
                                    "lsh r0, 8\nadd r0, r7\nexit",
                                    flags, query),
                        {ring}, 3);
    }
  }
}

}  // namespace
}  // namespace sluice::helpers::testing
