// SYN cookies of the running kernel: its secrets are its own, so cookies differ; the sizes they stand for, how they
// change with the sequence number, errors and what is known again must not.
#include <cerrno>

#include <fmt/format.h>

#include "tests/support/bpf_syscall.h"
#include "tests/support/programs.h"
#include "tests/unit/helpers/support.h"
#include "tests/unit/helpers/syncookie.h"

namespace sluice::helpers::testing {
namespace {

using testing_support::KernelProgram;

// Runs helper `id` on the headers at the start of the frame: the IP header, then `tcp_bytes` of TCP; the result goes
// into the frame's first 8 bytes.
std::string program(std::int32_t id, std::size_t ip_bytes, std::size_t tcp_bytes, std::int64_t length) {
  return fmt::format(R"(
      mov r6, r1
      ldxw r7, [r6+0]
      ldxw r8, [r6+4]
      mov r0, r7
      add r0, {}
      jgt r0, r8, out
      mov r1, r7
      mov r2, r7
      add r2, {}
      mov r3, {}
      call {}
      stxdw [r7+0], r0
      mov r0, 2
      exit
 out: mov r0, 0
      exit
)",
                     ip_bytes + tcp_bytes, ip_bytes, length, id);
}

std::vector<std::byte> frame_of(const Segment& one) {
  std::vector<std::byte> frame = one.ip;
  frame.insert(frame.end(), one.tcp.begin(), one.tcp.end());
  frame.resize(frame.size() + 16);
  return frame;
}

std::int64_t result_of(const KernelProgram& kernel, const Segment& one) {
  const auto run = kernel.run(frame_of(one));
  EXPECT_EQ(run.retval, 2U);
  std::int64_t result = 0;
  if (run.data.size() >= sizeof result) std::memcpy(&result, run.data.data(), sizeof result);
  return result;
}

std::int64_t in_kernel(std::int32_t id, const Segment& one, std::int64_t length) {
  const vm::LoadedProgram loaded =
      testing_support::program_from_asm(program(id, one.ip.size(), one.tcp.size(), length), vm::xdp_type());
  const KernelProgram kernel(loaded.insns.data(), loaded.insns.size());
  EXPECT_GE(kernel.fd(), 0);
  return result_of(kernel, one);
}

std::int64_t here(std::int32_t id, const Segment& one, std::int64_t length) {
  vm::ExecEnv env;
  const auto at = [](const auto& bytes) { return reinterpret_cast<std::uint64_t>(bytes.data()); };
  return static_cast<std::int64_t>(
      table().find(id)->fn(at(one.ip), at(one.tcp), static_cast<std::uint64_t>(length), 0, 0, env));
}

class SynCookiesInKernel : public ::testing::TestWithParam<bool> {
 protected:
  [[nodiscard]] std::int32_t gen() const { return GetParam() ? 205 : 204; }
  [[nodiscard]] std::int32_t check() const { return GetParam() ? 207 : 206; }
};

TEST_P(SynCookiesInKernel, StandForTheSameSizes) {
  SLUICE_NEEDS_BPF();
  for (const int size :
       {1, 535, 536, 537, 1219, 1220, 1299, 1300, 1419, 1420, 1439, 1440, 1459, 1460, 8939, 8940, 65535}) {
    const Segment one = segment(GetParam(), 1000, 0, mss_option(static_cast<std::uint16_t>(size)));
    EXPECT_EQ(in_kernel(gen(), one, 24) >> 32, here(gen(), one, 24) >> 32) << size;
  }
  for (const auto& options : option_lists()) {
    const Segment one = segment(GetParam(), 1000, 0, options);
    const auto bytes = static_cast<std::int64_t>(one.tcp.size());
    EXPECT_EQ(in_kernel(gen(), one, bytes) >> 32, here(gen(), one, bytes) >> 32) << ::testing::PrintToString(options);
  }
}

// Every length that the program may give beside every length that the header may claim.
TEST_P(SynCookiesInKernel, RefuseTheSameLengths) {
  SLUICE_NEEDS_BPF();
  constexpr std::size_t kLongest = 64;
  for (std::size_t length = 0; length < kLongest; ++length) {
    Segment one = segment(GetParam(), 1000, 0, mss_option(1460));
    one.tcp.resize(kLongest);
    const vm::LoadedProgram loaded = testing_support::program_from_asm(
        program(gen(), one.ip.size(), one.tcp.size(), static_cast<std::int64_t>(length)), vm::xdp_type());
    const KernelProgram kernel(loaded.insns.data(), loaded.insns.size());
    ASSERT_GE(kernel.fd(), 0);
    for (unsigned words = 0; words < 16; ++words) {
      one.tcp[12] = static_cast<std::byte>(words << 4);
      const std::int64_t theirs = result_of(kernel, one);
      const std::int64_t ours = here(gen(), one, static_cast<std::int64_t>(length));
      EXPECT_EQ(theirs >> 32, ours >> 32) << length << ' ' << words;
      EXPECT_EQ(theirs < 0 ? theirs : 0, ours < 0 ? ours : 0) << length << ' ' << words;
    }
  }
}

TEST_P(SynCookiesInKernel, MoveWithTheSequenceNumberAndAreKnownAgain) {
  SLUICE_NEEDS_BPF();
  const auto cookie = [&](auto run, std::uint32_t sequence) {
    return static_cast<std::uint32_t>(run(gen(), segment(GetParam(), sequence), 20));
  };
  const auto known = [&](auto run, std::uint32_t sequence, std::uint32_t cookie) {
    return run(check(), segment(GetParam(), sequence + 1, cookie + 1), 0);
  };
  for (const auto run : {&in_kernel, &here}) {
    for (int tries = 0; tries < 3; ++tries) {  // a minute may end in between
      const std::uint32_t made = cookie(run, 5);
      if (cookie(run, 5 + 1000) != made + 1000) continue;
      EXPECT_EQ(known(run, 5, made), 0);
      EXPECT_EQ(known(run, 6, made), -EACCES);
      EXPECT_EQ(known(run, 5, made + 64), -EACCES);
      break;
    }
    EXPECT_EQ(cookie(run, 5 + 1000) - cookie(run, 5), 1000U);
  }
  EXPECT_EQ(known(&here, 5, cookie(&in_kernel, 5)), -EACCES) << "the kernel's secrets are not ours";
}

INSTANTIATE_TEST_SUITE_P(Families, SynCookiesInKernel, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "Ipv6" : "Ipv4"; });

}  // namespace
}  // namespace sluice::helpers::testing
