// Memory that need not be the program's, text compared and text printed. The same calls are made in the kernel by
// text_kernel_test.cc.
#include <cerrno>

#include "tests/unit/helpers/support.h"

namespace sluice::helpers::testing {
namespace {

class ProbeReadKernel : public HelperTest {
 protected:
  // What is in 8 bytes of ones afterwards, of which `size` were asked for.
  std::string read(std::int64_t size, const void* from, std::int64_t expected) {
    std::string out(8, '\xff');
    EXPECT_EQ(call(out.data(), size, from), expected);
    return out;
  }
  static const void* at(std::uint64_t address) { return reinterpret_cast<const void*>(address); }
};

TEST_F(ProbeReadKernel, ReadsTheFrame) {
  Frame frame(Model::kNative, 60);
  env_.frame = &frame.context;
  std::memcpy(frame.context.data, "01234567", 8);
  EXPECT_EQ(read(8, frame.context.data, 0), "01234567");
  EXPECT_EQ(read(3, frame.context.data + 1, 0), "123\xff\xff\xff\xff\xff");
  EXPECT_EQ(read(0, frame.context.data, 0), std::string(8, '\xff'));
}

TEST_F(ProbeReadKernel, ReadsNothingBesideTheFrameAndClearsTheBytes) {
  Frame frame(Model::kNative, 60);
  env_.frame = &frame.context;
  const std::string zero(8, '\0');
  EXPECT_EQ(read(8, frame.context.data_end - 7, -ERANGE), zero);
  EXPECT_EQ(read(8, frame.context.data - 1, -ERANGE), zero);
  const std::string secret = "a secret of ours";
  EXPECT_EQ(read(8, secret.data(), -ERANGE), zero);
  EXPECT_EQ(read(4, nullptr, -ERANGE), std::string("\0\0\0\0\xff\xff\xff\xff", 8));
}

TEST_F(ProbeReadKernel, NothingIsMappedInTheKernelsHalf) {
  const std::string zero(8, '\0');
  EXPECT_EQ(read(8, at(~0ULL), -EFAULT), zero);
  EXPECT_EQ(read(8, at(0xffff'8000'0000'0000), -EFAULT), zero);
  EXPECT_EQ(read(8, at(0xffff'ffff'ff60'0008), -ERANGE), zero) << "the page of old system calls";
  EXPECT_EQ(read(8, at(0x8000'0000'0000'0000), -ERANGE), zero) << "no address at all";
  EXPECT_EQ(read(0, at(~0ULL), 0), std::string(8, '\xff'));
}

TEST_F(ProbeReadKernel, WithoutAFrameThereIsNothing) {
  const std::string secret = "a secret of ours";
  EXPECT_EQ(read(8, secret.data(), -ERANGE), std::string(8, '\0'));
}

class Strncmp : public HelperTest {};

TEST_F(Strncmp, ComparesAsFarAsTheSizeGoes) {
  EXPECT_EQ(call("abc", 4, "abc"), 0);
  EXPECT_EQ(call("abX", 2, "abY"), 0);
  EXPECT_EQ(call("abX", 3, "abY"), -1);
  EXPECT_EQ(call("abZ", 3, "abY"), 1);
}

TEST_F(Strncmp, EndsWithTheText) {
  EXPECT_EQ(call("ab\0x", 4, "ab\0y"), 0);
  EXPECT_EQ(call("ab", 3, "abc"), -1);
  EXPECT_EQ(call("abc", 4, "ab"), 1);
}

TEST_F(Strncmp, BytesHaveNoSign) { EXPECT_EQ(call("\x80", 2, "\x7f"), 1); }

class Snprintf : public HelperTest {
 protected:
  // What stands in a buffer of `size` bytes, and the result in front: "12:text".
  std::string print(std::size_t size, const char* format, const std::vector<std::uint64_t>& arguments) {
    std::vector<char> out(size + 4, '#');
    const std::int64_t result =
        call(out.data(), static_cast<std::int64_t>(size), format, arguments.empty() ? nullptr : arguments.data(),
             static_cast<std::int64_t>(arguments.size() * 8));
    for (std::size_t i = size; i < out.size(); ++i) EXPECT_EQ(out[i], '#') << "wrote past the end";
    return std::to_string(result) + ':' +
           std::string(out.data(), std::find(out.begin(), out.begin() + size, '\0') - out.begin());
  }
};

TEST_F(Snprintf, PrintsAndCountsTheZero) {
  EXPECT_EQ(print(32, "%d of %u%%", {~0ULL, 7}), "9:-1 of 7%");
  EXPECT_EQ(print(32, "", {}), "1:");
  EXPECT_EQ(print(32, "%llx", {0x1'0000'00ff}), "10:1000000ff");
}

TEST_F(Snprintf, CutsWhatDoesNotFit) {
  EXPECT_EQ(print(5, "%u", {123456789}), "10:1234");
  EXPECT_EQ(print(1, "%u", {123456789}), "10:");
  EXPECT_EQ(call(nullptr, 0, "four", nullptr, 0), 5);
}

TEST_F(Snprintf, TakesTwelveArgumentsOfEightBytes) {
  EXPECT_EQ(print(64, "%u%u%u%u%u%u%u%u%u%u%u%u", {1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3}), "13:123456789123");
  std::array<std::uint64_t, 13> many{};
  std::array<char, 8> out{};
  EXPECT_EQ(call(out.data(), 8, "%u", many.data(), 13 * 8), -EINVAL);
  EXPECT_EQ(call(out.data(), 8, "%u", many.data(), 7), -EINVAL);
  EXPECT_EQ(call(out.data(), 8, "%u", nullptr, 8), -EINVAL);
  EXPECT_EQ(out[0], 0);
}

TEST_F(Snprintf, ArgumentsMayLieWhereItPrints) {
  std::array<std::uint64_t, 2> both{0x1111, 0x2222};
  EXPECT_EQ(call(both.data(), 16, "%x%x", both.data(), 16), 9);
  EXPECT_STREQ(reinterpret_cast<const char*>(both.data()), "11112222");
}

class TraceVprintk : public HelperTest {
 protected:
  class Sink final : public vm::TraceSink {
   public:
    void line(std::string_view text) noexcept override { last = text; }
    std::string last;
  };
  TraceVprintk() { env_.trace = &sink_; }
  Sink sink_;
};

TEST_F(TraceVprintk, PrintsUpToTwelveArguments) {
  const std::array<std::uint64_t, 13> numbers{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};
  EXPECT_EQ(call("%u,%u,%u,%u,%u,%u,%u,%u,%u,%u,%u,%u", 36, numbers.data(), 12 * 8), 26);
  EXPECT_EQ(sink_.last, "1,2,3,4,5,6,7,8,9,10,11,12");
  EXPECT_EQ(call("%u", 3, numbers.data(), 13 * 8), -EINVAL);
  EXPECT_EQ(call("%u,%u", 6, numbers.data(), 8), -EINVAL) << "an argument is missing";
  EXPECT_EQ(call("none", 5, nullptr, 0), 4);
  EXPECT_EQ(sink_.last, "none");
}

TEST_F(TraceVprintk, RefusesOddSizesAndOpenFormats) {
  const std::uint64_t number = 5;
  EXPECT_EQ(call("%u", 3, &number, 4), -EINVAL);
  EXPECT_EQ(call("%u", 3, nullptr, 8), -EINVAL);
  EXPECT_EQ(call("%u", 2, &number, 8), -EINVAL) << "the zero lies beyond the size";
  EXPECT_EQ(sink_.last, "");
}

}  // namespace
}  // namespace sluice::helpers::testing
