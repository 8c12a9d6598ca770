// bpf_trace_printk. Lengths and refusals are compared with the kernel in kernel_test.cc; the texts here are what its
// printf writes for the same arguments.
#include <cerrno>

#include "tests/unit/helpers/support.h"

namespace sluice::helpers::testing {
namespace {

class TracePrintk : public HelperTest {
 protected:
  class Sink final : public vm::TraceSink {
   public:
    void line(std::string_view text) noexcept override {
      last = text;
      ++lines;
    }
    std::string last;
    unsigned lines = 0;
  };
  TracePrintk() { env_.trace = &sink_; }

  // The line, or "-EINVAL" and whatever else is not a length.
  template <typename... Args>
  std::string print(std::string_view format, Args... args) {
    const std::string copy(format);  // as a program's memory: its zero is the last byte
    sink_.last.clear();
    const unsigned before = sink_.lines;
    const std::int64_t result = call(copy.c_str(), static_cast<std::int64_t>(copy.size() + 1), args...);
    if (result < 0) {
      EXPECT_EQ(sink_.lines, before) << "a format that is refused prints nothing";
      return result == -EINVAL ? "-EINVAL" : std::to_string(result);
    }
    EXPECT_EQ(sink_.lines, before + 1);
    EXPECT_EQ(static_cast<std::size_t>(result), sink_.last.size());
    return sink_.last;
  }
  Sink sink_;
};

TEST_F(TracePrintk, CopiesPlainText) {
  EXPECT_EQ(print("hello"), "hello");
  EXPECT_EQ(print(""), "");
  EXPECT_EQ(print("two\nlines\tand 100%%"), "two\nlines\tand 100%");
}

TEST_F(TracePrintk, CopiesTextThatIsNotAscii) {
  EXPECT_EQ(print("gr\xc3\xb6\xc3\x9f"
                  "e %d\x80",
                  5),
            "gr\xc3\xb6\xc3\x9f"
            "e 5\x80");
  EXPECT_EQ(print("%s\xa0|%s\xb5|%s\xd7", 0, 0, 0), "\xa0|\xb5|\xd7");
}

TEST_F(TracePrintk, PrintsNumbersOf32Bits) {
  EXPECT_EQ(print("%d %i %u", -1, 7, -1), "-1 7 4294967295");
  EXPECT_EQ(print("%x %X", 0xbeef, 0xbeef), "beef BEEF");
  EXPECT_EQ(print("%d", std::int64_t{0x7'ffff'fffe}), "-2");
  EXPECT_EQ(print("%u %x", std::int64_t{0x7'0000'0005}, std::int64_t{0x7'0000'0005}), "5 5");
  EXPECT_EQ(print("%d", 0), "0");
}

TEST_F(TracePrintk, PrintsNumbersOf64Bits) {
  EXPECT_EQ(print("%ld %lld %lu", std::int64_t{-5}, INT64_MIN, std::int64_t{-1}),
            "-5 -9223372036854775808 18446744073709551615");
  EXPECT_EQ(print("%lx %llX %li", std::int64_t{0x7'0000'0005}, std::int64_t{0xa'0000'000b}, std::int64_t{1} << 40),
            "700000005 A0000000B 1099511627776");
}

TEST_F(TracePrintk, FillsUpToTheWidth) {
  EXPECT_EQ(print("[%5d]", 42), "[   42]");
  EXPECT_EQ(print("[%-5d]", 42), "[42   ]");
  EXPECT_EQ(print("[%05d]", -42), "[-0042]");
  EXPECT_EQ(print("[%-05d]", 42), "[42   ]");
  EXPECT_EQ(print("[%+d] [% d] [%+5d]", 42, 42, 42), "[+42] [ 42] [  +42]");
  EXPECT_EQ(print("[%+d] [% d]", -42, -42), "[-42] [-42]");
  EXPECT_EQ(print("[%+u] [% x]", 42, 42), "[42] [2a]") << "signs are for signed numbers";
  EXPECT_EQ(print("[%08x] [%3u] [%2d]", 0xabc, 7, 12345), "[00000abc] [  7] [12345]");
}

TEST_F(TracePrintk, PrintsCharacters) {
  EXPECT_EQ(print("%c%c%c", 'a', 'b' + 256, '\n'), "ab\n");
  EXPECT_EQ(print("[%3c] [%-3c]", 'x', 'y'), "[  x] [y  ]");
}

TEST_F(TracePrintk, PrintsPointers) {
  EXPECT_EQ(print("%p", std::int64_t{0x1234}), "0000000000001234");
  EXPECT_EQ(print("%px,%pK", std::int64_t{-1}, std::int64_t{0xabc}), "ffffffffffffffff,0000000000000abc");
}

TEST_F(TracePrintk, PrintsAddressesThatLieInTheFrame) {
  Frame frame(Model::kNative, 60);
  env_.frame = &frame.context;
  const std::array<std::uint8_t, 16> ip{192, 0, 2, 33, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xab, 0xcd};
  std::memcpy(frame.context.data, ip.data(), ip.size());
  const std::byte* const data = frame.context.data;
  EXPECT_EQ(print("%pI4 %pi4", data, data), "192.0.2.33 192.000.002.033");
  EXPECT_EQ(print("%pI6", data), "c000:0221:0000:0000:0000:0000:0000:abcd");
  EXPECT_EQ(print("%pi6", data), "c000022100000000000000000000abcd");
  // The last four bytes of the frame are an IPv4 address, no IPv6 one; what is elsewhere prints as zeroes.
  std::memcpy(frame.context.data_end - 4, ip.data(), 4);
  EXPECT_EQ(print("%pI4", frame.context.data_end - 4), "192.0.2.33");
  EXPECT_EQ(print("%pI4", frame.context.data_end - 3), "0.0.0.0");
  EXPECT_EQ(print("%pI6", frame.context.data_end - 15), "0000:0000:0000:0000:0000:0000:0000:0000");
  EXPECT_EQ(print("%pI4", frame.context.data - 1), "0.0.0.0");
  EXPECT_EQ(print("%pI4", std::int64_t{0}), "0.0.0.0");
}

TEST_F(TracePrintk, PrintsStringsThatLieInTheFrame) {
  Frame frame(Model::kNative, 60);
  env_.frame = &frame.context;
  std::memcpy(frame.context.data, "text\0more", 9);
  std::memcpy(frame.context.data_end - 3, "end", 3);
  const std::byte* const data = frame.context.data;
  EXPECT_EQ(print("[%s] [%pks] [%pus]", data, data + 5, data),
            "[text] [more" +
                std::string(reinterpret_cast<const char*>(data) + 9,
                            std::find(data + 9, data + 60, std::byte{0}) - (data + 9)) +
                "] [text]");
  EXPECT_EQ(print("[%6s] [%-6s]", data, data), "[  text] [text  ]");
  EXPECT_EQ(print("[%s]", frame.context.data_end - 3), "[end]") << "ends with the frame";
  EXPECT_EQ(print("[%s] [%s]", data - 1, frame.context.data_end), "[] []");
}

TEST_F(TracePrintk, ReadsNoMemoryWithoutAFrame) {
  const std::string_view secret = "secret";
  EXPECT_EQ(print("[%s] [%pI4]", secret.data(), secret.data()), "[] [0.0.0.0]");
}

TEST_F(TracePrintk, MetadataIsPartOfTheFrame) {
  Frame frame(Model::kNative, 60);
  env_.frame = &frame.context;
  frame.context.data_meta -= 4;
  std::memcpy(frame.context.data_meta, "met", 4);
  EXPECT_EQ(print("%s", frame.context.data_meta), "met");
}

TEST_F(TracePrintk, RefusesWhatTheKernelRefuses) {
  for (const char* format :
       {"%",    "%5",  "%l",  "%lll", "%lllu", "%hd", "%hhx",  "%f",     "%e",     "%o",   "%n",   "%*d",
        "%.3d", "%#x", "%ll", "%q",   "%sx",   "%s1", "%pks1", "%pk",    "%pu",    "%pa",  "%pI",  "%pI5",
        "%pi",  "%pM", "%p1", "%-",   "%0",    "%5%", "%\x80", "%s\x80", "%p\xe4", "\x01", "\x1b", "a\x7f"}) {
    EXPECT_EQ(print(format, 0, 0, 0), "-EINVAL") << format;
  }
}

TEST_F(TracePrintk, TakesThreeArgumentsAndNoMore) {
  EXPECT_EQ(print("%d%d%d", 1, 2, 3), "123");
  EXPECT_EQ(print("%d%d%d%d", 1, 2, 3), "-EINVAL");
  EXPECT_EQ(print("%d%d%d%%", 1, 2, 3), "123%");
}

TEST_F(TracePrintk, TheFormatEndsWithinItsSize) {
  const std::array<char, 3> open{'a', 'b', 'c'};
  EXPECT_EQ(call(open.data(), 3), -EINVAL);
  const std::string closed("ab\0cd", 5);
  EXPECT_EQ(call(closed.data(), 5), 2);
  EXPECT_EQ(call(closed.data(), 3), 2);
  EXPECT_EQ(call(closed.data(), 2), -EINVAL);
  EXPECT_EQ(sink_.last, "ab");
}

TEST_F(TracePrintk, LongLinesAreCutButCountedWhole) {
  const std::string format = "%2000d";
  EXPECT_EQ(call(format.c_str(), 7, 5), 2000);
  EXPECT_EQ(sink_.last, std::string(1023, ' '));
  const std::string plain(1100, 'x');
  EXPECT_EQ(call(plain.c_str(), 1101), 1100);
  EXPECT_EQ(sink_.last, std::string(1023, 'x'));
  const std::string just(1023, 'y');
  EXPECT_EQ(print(just), just);
}

TEST_F(TracePrintk, WithoutASinkTheLengthIsTheSame) {
  env_.trace = nullptr;
  EXPECT_EQ(call("%d", 3, 12345), 5);
  EXPECT_EQ(sink_.lines, 0U);
}

}  // namespace
}  // namespace sluice::helpers::testing
