#include "dataplane/replay/writer.h"

#include <cstdio>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/replay/reader.h"
#include "tests/unit/replay/captures.h"

namespace sluice::replay {
namespace {

using testing::HasSubstr;

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string write_two(Format format, bool nanoseconds, const std::string& name) {
  const std::string path = temporary(name);
  const std::string head(61, 'h');
  const std::string frag(7, 'f');
  auto writer = create_writer(path, format, nanoseconds, "wan0");
  EXPECT_TRUE(writer);
  (*writer)->write({.time_ns = 1'000'000'123,
                    .head = bytes_of(head),
                    .frag = bytes_of(frag),
                    .missing = 5,
                    .verdict = 4,
                    .comment = "firewall > router"});
  (*writer)->write({.time_ns = 2'000'000'456, .head = bytes_of(head), .frag = {}, .verdict = 2, .comment = {}});
  EXPECT_EQ((*writer)->finish(), std::nullopt);
  return path;
}

void expect_read_back(const std::string& path, std::uint64_t rounding) {
  auto reader = open_capture(path);
  ASSERT_TRUE(reader) << reader.error().message;
  Record record;
  ASSERT_TRUE((*reader)->next(record));
  EXPECT_EQ(record.time_ns, 1'000'000'123 / rounding * rounding);
  EXPECT_EQ(record.bytes.size(), 68U);
  EXPECT_EQ(record.original_length, 73U);
  EXPECT_EQ(record.bytes[0], std::byte{'h'});
  EXPECT_EQ(record.bytes[67], std::byte{'f'});
  ASSERT_TRUE((*reader)->next(record));
  EXPECT_EQ(record.time_ns, 2'000'000'456 / rounding * rounding);
  EXPECT_EQ(record.bytes.size(), 61U);
  EXPECT_FALSE((*reader)->next(record));
  EXPECT_FALSE((*reader)->damage());
}

TEST(Writer, PcapIsReadBackWithItsTimeStamps) {
  expect_read_back(write_two(Format::kPcap, true, "n.pcap"), 1);
  expect_read_back(write_two(Format::kPcap, false, "u.pcap"), 1000);
}

TEST(Writer, PcapngIsReadBackWithItsTimeStamps) { expect_read_back(write_two(Format::kPcapng, true, "x.pcapng"), 1); }

TEST(Writer, TsharkShowsInterfaceVerdictAndComment) {
  if (std::system("command -v tshark >/dev/null 2>&1") != 0) GTEST_SKIP() << "tshark is not installed";
  const std::string path = write_two(Format::kPcapng, true, "t.pcapng");
  const std::string command = "tshark -r " + path + " -T fields -e frame.interface_name -e frame.verdict.ebpf_xdp " +
                              "-e frame.comment -e frame.time_epoch -E separator='|' 2>/dev/null";
  std::FILE* pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string out(4096, '\0');
  out.resize(std::fread(out.data(), 1, out.size(), pipe));
  EXPECT_EQ(pclose(pipe), 0);
  EXPECT_EQ(out, "wan0|4|firewall > router|1.000000123\nwan0|2||2.000000456\n");
}

TEST(Writer, LargeOutputGoesThroughTheBufferWhole) {
  const std::string path = temporary("large.pcap");
  const std::string frame(1500, 'z');
  {
    auto writer = create_writer(path, Format::kPcap, true, "p");
    ASSERT_TRUE(writer);
    for (unsigned i = 0; i < 2'000; ++i)
      (*writer)->write({.time_ns = i, .head = bytes_of(frame), .frag = {}, .comment = {}});
  }  // the destructor writes what waits
  EXPECT_EQ(std::filesystem::file_size(path), 24U + 2'000U * 1'516U);
}

TEST(Writer, AFullDiskIsTold) {
  auto writer = create_writer("/dev/full", Format::kPcap, true, "p");
  ASSERT_TRUE(writer);
  const auto failed = (*writer)->finish();
  ASSERT_TRUE(failed);
  EXPECT_THAT(*failed, HasSubstr("/dev/full: No space left"));
}

TEST(Writer, ImpossiblePathsAreErrors) {
  EXPECT_FALSE(create_writer("/dev/null/x/y.pcap", Format::kPcap, true, "p"));
  EXPECT_FALSE(create_writer(testing::TempDir(), Format::kPcap, true, "p"));
}

TEST(OutputPattern, IsADirectoryOrHoldsThePortsName) {
  EXPECT_EQ(OutputPattern::parse("out/")->path("wan0"), "out/wan0.pcap");
  EXPECT_EQ(OutputPattern::parse("o-%p-%p.pcapng")->path("a"), "o-a-a.pcapng");
  EXPECT_EQ(OutputPattern::parse("o-%p.pcapng")->format, Format::kPcapng);
  EXPECT_EQ(OutputPattern::parse("o-%p.pcap")->format, Format::kPcap);
  EXPECT_EQ(OutputPattern::parse(testing::TempDir())->path("a"), testing::TempDir() + "a.pcap");
  EXPECT_EQ(OutputPattern::parse("out.pcap").error().code, ErrorCode::kUsage);
  EXPECT_EQ(OutputPattern::parse("out/%p.txt").error().code, ErrorCode::kUsage);
}

}  // namespace
}  // namespace sluice::replay
