// The running kernel as the oracle of helpers that take constant text: the same program with the same text there and
// here must give the same result and leave the same bytes.
#include <fmt/format.h>

#include "tests/support/bpf_syscall.h"
#include "tests/support/programs.h"
#include "tests/unit/helpers/support.h"
#include "vm/interpreter.h"
#include "vm/maps/map.h"

namespace sluice::helpers::testing {
namespace {

using testing_support::KernelMap;
using testing_support::KernelProgram;
using testing_support::KernelRun;

class TextInTheKernel : public ::testing::Test {
 protected:
  void SetUp() override { SLUICE_NEEDS_BPF(); }

  static constexpr std::uint32_t kTextBytes = 64;

  // Runs `text` here and there; map 0 is constant and begins with `constant`. 24 bytes at r10-24 and r0 are compared.
  static void compare(std::string text, std::string constant) {
    SCOPED_TRACE(fmt::format("\"{}\"\n{}", constant, text));
    text += R"(
      ldxdw r1, [r10-8]
      mul r1, 3
      ldxdw r2, [r10-16]
      xor r1, r2
      mul r1, 5
      ldxdw r2, [r10-24]
      xor r1, r2
      mul r1, 7
      xor r1, r0
      mov r0, r1
      rsh r1, 32
      xor r0, r1
      exit
)";
    constant.resize(kTextBytes);
    const vm::MapSpec spec{
        .name = "t", .type = vm::MapType::kArray, .key_size = 4, .value_size = kTextBytes, .max_entries = 1};
    std::shared_ptr<vm::Map> map = std::move(*vm::make_map(spec, 1));
    const std::uint32_t key = 0;
    map->update(reinterpret_cast<const std::byte*>(&key), reinterpret_cast<const std::byte*>(constant.data()),
                vm::UpdateMode::kAny, 0);
    map->freeze();
    const KernelMap theirs(BPF_MAP_TYPE_ARRAY, 4, kTextBytes, 1, BPF_F_RDONLY_PROG);
    ASSERT_EQ(theirs.update(&key, constant.data(), 0), 0);
    ASSERT_EQ(theirs.freeze(), 0);
    vm::LoadedProgram loaded = testing_support::program_from_asm(text, vm::xdp_type(), {map});
    std::vector<vm::Insn> insns = loaded.insns;
    for (std::size_t i = 0; i + 1 < insns.size(); ++i) {
      const vm::InsnRow* row = vm::find(insns[i]);
      if (row == nullptr || row->kind != vm::Kind::kLoadImm64) continue;
      if (insns[i].src != 0) insns[i].imm = theirs.fd();
      ++i;
    }
    const KernelProgram program(insns.data(), insns.size());
    ASSERT_GE(program.fd(), 0) << "the kernel refuses the program";
    Frame frame(Model::kLinux, 60);
    frame.context.ingress_ifindex = 1;  // the kernel runs it on its loopback
    const KernelRun expected = program.run(frame.bytes());
    ASSERT_EQ(expected.error, 0);
    vm::ExecEnv env;
    const vm::VerifiedProgram ours = testing_support::unverified(std::move(loaded));
    const vm::RunResult result = vm::interpret(ours, frame.context, env, table());
    EXPECT_EQ(static_cast<std::uint32_t>(result.r0), expected.retval);
  }
  static std::string fill(std::uint64_t word) {
    std::string text;
    for (const int at : {8, 16, 24}) text += fmt::format("lddw r2, {}\nstxdw [r10-{}], r2\n", word, at);
    return text;
  }
};

TEST_F(TextInTheKernel, SnprintfPrintsTheSame) {
  const std::array<std::uint64_t, 4> arguments{static_cast<std::uint64_t>(-300), 0x7'0000'00ff, 65, 12};
  std::string data;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    data += fmt::format("lddw r1, {}\nstxdw [r10-{}], r1\n", arguments[i], 64 - 8 * i);
  }
  for (const std::string_view format :
       {"",        "hello",   "%d",     "%5d|",    "%-5d|",      "%05d",   "%+d% d",      "%x %X",
        "%lx|%lx", "%llu %u", "%c%c%c", "%%%d",    "%p",         "%px %d", "%d %d %d %d", "%s|",
        "%pks%d",  "%pI4|",   "%pi6",   "a\nb\tc", "\xc3\xbc%i", "%40d"}) {
    for (const int size : {0, 1, 2, 9, 24}) {
      // Without any room the kernel does not count what it prints of addresses and loses its place in the arguments.
      if (size == 0 && (format.starts_with("%pks") || format.starts_with("%pI") || format.starts_with("%pi"))) continue;
      const std::string to = size == 0 ? "mov r1, 0\n" : "mov r1, r10\nadd r1, -24\n";
      compare(data + fill(0x2323232323232323) +
                  fmt::format("{}mov r2, {}\nlddw_map_value r3, 0, 0\nmov r4, r10\nadd r4, -64\nmov r5, 32\n"
                              "call snprintf\n",
                              to, size),
              std::string(format));
    }
  }
}

TEST_F(TextInTheKernel, SnprintfRefusesSizesThatTurnOutWrong) {
  for (const int known : {0, 8, 96, 104, 128}) {
    compare(fill(0) + fmt::format("ldxw r6, [r1+12]\nand r6, 0\nor r6, {}\nmov r7, r10\nadd r7, -192\nmov r1, r10\n"
                                  "add r1, -24\nmov r2, 24\nlddw_map_value r3, 0, 0\nmov r4, r7\nmov r5, r6\n"
                                  "call snprintf\n",
                                  known),
            "text");
  }
}

TEST_F(TextInTheKernel, StrncmpSaysTheSame) {
  for (const std::string_view constant : {"", "a", "abc", "abd", "abb", "ab\x80", "abcdefghi"}) {
    for (const int size : {1, 2, 3, 4, 8}) {
      compare(fill(0x6867666564636261) +
                  fmt::format("mov r1, r10\nadd r1, -8\nmov r2, {}\nlddw_map_value r3, 0, 0\ncall strncmp\n", size),
              std::string(constant));
    }
  }
}

// The line's length; the frame's own bytes are elsewhere in the kernel.
TEST_F(TextInTheKernel, TraceVprintkTakesTheSame) {
  for (const std::string_view format : {"%d", "%d %u %x", "%d%d%d%d", "%d%d%d%d%d", "%", "%s %p", "none", "%llx %c"}) {
    for (const int bytes : {0, 8, 24, 32, 7, 33}) {
      const std::string data = bytes == 0 ? "mov r3, 0\n" : "mov r3, r10\nadd r3, -64\n";
      compare(fill(77) +
                  "stdw [r10-64], 5\nstdw [r10-56], 65\nstdw [r10-48], -1\nstdw [r10-40], 9\nstdw [r10-32], 0\n" +
                  fmt::format("{}lddw_map_value r1, 0, 0\nmov r2, {}\nmov r4, {}\ncall trace_vprintk\n", data,
                              format.size() + 1, bytes),
              std::string(format));
    }
  }
}

TEST_F(TextInTheKernel, ProbeReadKernelFailsTheSame) {
  for (const std::uint64_t address :
       {std::uint64_t{0}, std::uint64_t{4096}, ~std::uint64_t{0}, std::uint64_t{1} << 63,
        std::uint64_t{0x7fff'ffff'f000}, std::uint64_t{0xffff'ffff'ff60'0000}, std::uint64_t{0xffff'8000'0000'0000}}) {
    for (const int size : {0, 1, 8, 20}) {
      compare(fill(~std::uint64_t{0}) +
                  fmt::format("mov r1, r10\nadd r1, -24\nmov r2, {}\nlddw r3, {}\ncall probe_read_kernel\n", size,
                              static_cast<std::int64_t>(address)),
              "");
    }
  }
}

TEST_F(TextInTheKernel, CheckMtuOfTheOnlyPort) {
  for (const std::uint32_t length : {0U, 1U, 60U, 1500U, 65536U, 65537U, 0x7fffffffU, 0x80000000U, 0xffffffffU}) {
    for (const int difference : {0, 1, -1, 65490, 65491, 70000, INT32_MAX, INT32_MIN}) {
      for (const std::string_view rest : {"mov r2, 0\nmov r5, 0\n", "mov r2, 1\nmov r5, 0\n", "mov r2, 0\nmov r5, 1\n",
                                          "mov r2, 0\nmov r5, 2\n", "mov r2, 1000000\nmov r5, 0\n"}) {
        compare(
            fill(length) + fmt::format("mov r3, r10\nadd r3, -24\nmov r4, {}\n{}call check_mtu\n", difference, rest),
            "");
      }
    }
  }
}

}  // namespace
}  // namespace sluice::helpers::testing
