#include "dataplane/replay/reader.h"

#include <sys/stat.h>

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/replay/captures.h"

namespace sluice::replay {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kFrame(60, 'x');

struct Walk {
  std::vector<std::string> frames;  // "time size/original"
  std::string damage;
  std::string error;
};
Walk walk(const std::string& path) {
  Walk result;
  auto reader = open_capture(path);
  if (!reader) {
    EXPECT_EQ(reader.error().code, ErrorCode::kEnvironment);
    result.error = reader.error().message;
    return result;
  }
  Record record;
  std::uint64_t number = 0;
  while ((*reader)->next(record)) {
    EXPECT_EQ(record.number, ++number);
    result.frames.push_back(std::to_string(record.time_ns) + " " + std::to_string(record.bytes.size()) + "/" +
                            std::to_string(record.original_length));
  }
  EXPECT_FALSE((*reader)->next(record));  // the end stays the end
  if ((*reader)->damage()) result.damage = *(*reader)->damage();
  return result;
}
Walk walk_bytes(const std::string& bytes) { return walk(write_capture(bytes)); }

TEST(PcapReader, ReadsAllFourMagics) {
  for (const bool swapped : {false, true}) {
    for (const bool nanos : {false, true}) {
      const Walk seen = walk_bytes(pcap_header(nanos ? 0xa1b23c4d : 0xa1b2c3d4, swapped).text() +
                                   pcap_record(3, 500, kFrame, 10, swapped));
      EXPECT_THAT(seen.frames, ElementsAre(nanos ? "3000000500 60/70" : "3000500000 60/70"));
      EXPECT_EQ(seen.damage, "");
    }
  }
}

TEST(PcapReader, AnEmptyCaptureHasNoFrames) {
  const Walk seen = walk_bytes(pcap_header().text());
  EXPECT_TRUE(seen.frames.empty());
  EXPECT_EQ(seen.damage + seen.error, "");
}

TEST(PcapReader, DeliversWholeFramesBeforeDamage) {
  const std::string good = pcap_header().text() + pcap_record(1, 0, kFrame);
  const Walk cut_frame = walk_bytes(good + pcap_record(2, 0, kFrame).substr(0, 40));
  EXPECT_THAT(cut_frame.frames, ElementsAre("1000000000 60/60"));
  EXPECT_EQ(cut_frame.damage, "frame 2: the file ends inside the frame (24 of 60 bytes)");
  const Walk cut_header = walk_bytes(good + pcap_record(2, 0, kFrame).substr(0, 7));
  EXPECT_EQ(cut_header.damage, "frame 2: the file ends inside the record header (7 of 16 bytes)");
  const Walk liar = walk_bytes(good + Bytes().u32(2).u32(0).u32(0xffffffff).u32(60).raw(kFrame).text());
  EXPECT_THAT(liar.damage, HasSubstr("frame 2: claims 4294967295 captured bytes"));
  EXPECT_EQ(liar.frames.size(), 1U);
}

TEST(PcapReader, OtherLinkTypesAreNamed) {
  EXPECT_THAT(walk_bytes(pcap_header(0xa1b2c3d4, false, 113).text()).error,
              HasSubstr("link type LINUX_SLL (Linux cooked v1) is not Ethernet"));
  EXPECT_THAT(walk_bytes(pcap_header(0xa1b2c3d4, false, 60'000).text()).error,
              HasSubstr("link type 60000 is not Ethernet"));
}

TEST(PcapReader, WhatIsNoCaptureIsAnError) {
  EXPECT_NE(walk_bytes("").error, "");
  EXPECT_NE(walk_bytes("hello, this is a text and no capture").error, "");
  EXPECT_NE(walk_bytes(pcap_header().text().substr(0, 20)).error, "");
  EXPECT_THAT(walk("/nonexistent.pcap").error, HasSubstr("No such file"));
  EXPECT_THAT(walk(testing::TempDir()).error, HasSubstr("is a directory"));
}

TEST(PcapReader, OldVersionsAndPipesGoThroughLibpcap) {
  Bytes modified;  // the "modified" pcap of 1999 has records of 24 bytes
  modified.u32(0xa1b2cd34).u16(2).u16(4).u32(0).u32(0).u32(65535).u32(1);
  modified.u32(7).u32(9).u32(60).u32(60).u32(0).u16(0).raw(std::string(2, '\0')).raw(kFrame);
  EXPECT_THAT(walk_bytes(modified.text()).frames, ElementsAre("7000009000 60/60"));

  const std::string path = temporary("pipe");
  ::unlink(path.c_str());
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  std::thread feeder([&] {
    std::ofstream(path, std::ios::binary)
        << pcap_header().text() + pcap_record(1, 2, kFrame) + pcap_record(1, 3, kFrame).substr(0, 30);
  });
  const Walk seen = walk(path);
  feeder.join();
  EXPECT_THAT(seen.frames, ElementsAre("1000002000 60/60"));
  EXPECT_THAT(seen.damage, HasSubstr("frame 2: "));
}

TEST(PcapngReader, ReadsEveryKindOfPacketBlock) {
  for (const bool swapped : {false, true}) {
    const std::string obsolete =
        block(2, Bytes(swapped).u16(0).u16(0).u32(0).u32(5).u32(60).u32(64).raw(kFrame).text(), swapped);
    const std::string simple = block(3, Bytes(swapped).u32(60).raw(kFrame).text(), swapped);
    const std::string unknown = block(0x0bad, "whatever", swapped);
    const Walk seen = walk_bytes(section(swapped) + unknown + interface(1, 0, {}, swapped) +
                                 packet(0, 1'000'000, kFrame, swapped) + obsolete + unknown + simple);
    EXPECT_THAT(seen.frames, ElementsAre("1000000000 60/60", "5000 60/64", "5000 60/60"));
    EXPECT_EQ(seen.damage, "");
  }
}

TEST(PcapngReader, HonoursTheClockOfEachInterface) {
  const auto options = [](std::uint16_t code, const std::string& value) {
    return Bytes()
        .u16(code)
        .u16(static_cast<std::uint16_t>(value.size()))
        .raw(value + std::string((4 - value.size() % 4) % 4, '\0'))
        .text();
  };
  const std::string offset = options(14, Bytes().u32(100).u32(0).text());
  const Walk seen =
      walk_bytes(section() + interface(1, 0, options(9, "\x09")) + interface(1, 128, options(9, "\x03")) +
                 interface(1, 96, options(9, "\x8a")) + interface(1, 0, options(9, "\x0c") + offset) +
                 packet(0, 7, kFrame) + packet(1, 7, kFrame) + packet(2, 1024, kFrame) + packet(3, 7'000, kFrame));
  EXPECT_THAT(seen.frames, ElementsAre("7 60/60", "7000000 60/60", "1000000000 60/60", "100000000007 60/60"));
}

TEST(PcapngReader, ANewSectionForgetsTheInterfaces) {
  const Walk seen =
      walk_bytes(section() + interface() + packet(0, 1, kFrame) + section(true) + interface(1, 0, {}, true) +
                 packet(0, 2, kFrame, true) + section() + packet(0, 3, kFrame));
  EXPECT_EQ(seen.frames.size(), 2U);
  EXPECT_EQ(seen.damage, "frame 3: names interface 0, but only 0 are described");
}

TEST(PcapngReader, DamageIsToldWithTheFrame) {
  const std::string good = section() + interface() + packet(0, 1, kFrame);
  const auto damage = [&](const std::string& more) {
    const Walk seen = walk_bytes(good + more);
    EXPECT_EQ(seen.frames.size(), 1U);
    return seen.damage;
  };
  EXPECT_THAT(damage(packet(0, 2, kFrame).substr(0, 50)), HasSubstr("frame 2: the file ends inside a block"));
  EXPECT_THAT(damage("abc"), HasSubstr("the file ends inside a block header"));
  EXPECT_THAT(damage(Bytes().u32(6).u32(8).u32(8).text()), HasSubstr("impossible 8 bytes"));
  EXPECT_THAT(damage(Bytes().u32(6).u32(12).u32(16).text()), HasSubstr("the two lengths of a block differ"));
  EXPECT_THAT(damage(block(6, "short")), HasSubstr("too short for its fields"));
  EXPECT_THAT(damage(block(3, "")), HasSubstr("too short for its fields"));
  EXPECT_THAT(damage(block(6, Bytes().u32(0).u32(0).u32(0).u32(99).u32(99).text())),
              HasSubstr("claims 99 captured bytes"));
  EXPECT_THAT(damage(block(3, Bytes().u32(99).text())), HasSubstr("claims 99 captured bytes"));
  EXPECT_THAT(damage(packet(7, 2, kFrame)), HasSubstr("names interface 7, but only 1 are described"));
  EXPECT_THAT(damage(block(1, "x") + packet(1, 2, kFrame)), HasSubstr("malformed interface description"));
  EXPECT_THAT(damage(interface(113) + packet(1, 2, kFrame)), HasSubstr("link type 113, which is not Ethernet"));
  EXPECT_THAT(damage(block(0x0a0d0d0a, "x")), HasSubstr("inside a section header"));
  EXPECT_THAT(damage(block(0x0a0d0d0a, std::string(16, '\1'))), HasSubstr("byte-order magic"));
  EXPECT_THAT(damage(block(0x0a0d0d0a, Bytes().u32(0x1a2b3c4d).u16(2).u16(0).u32(0).u32(0).text())),
              HasSubstr("unknown pcapng version"));
}

TEST(PcapngReader, OtherLinkTypesAreRefusedAtOnce) {
  EXPECT_THAT(walk_bytes(section() + interface(113)).error, HasSubstr("LINUX_SLL"));
  EXPECT_THAT(walk_bytes(section() + packet(0, 1, kFrame)).damage, HasSubstr("frame 1: names interface 0"));
}

// Whatever the bytes, the readers end, and never read outside the file (the address sanitizer watches).
TEST(Readers, SurviveEverySingleByteChanged) {
  const std::string files[] = {pcap_header().text() + pcap_record(1, 0, kFrame) + pcap_record(2, 0, kFrame),
                               section() + interface() + packet(0, 1, kFrame) + packet(0, 2, kFrame)};
  for (const std::string& file : files) {
    for (std::size_t at = 0; at < file.size(); ++at) {
      if (at >= 60 && at + 60 < file.size() && file[at] == 'x') continue;
      for (const char value : {'\0', '\x7f', '\xff'}) {
        std::string changed = file;
        changed[at] = value;
        EXPECT_LE(walk_bytes(changed).frames.size(), 2U);
      }
    }
  }
}

}  // namespace
}  // namespace sluice::replay
