#include "dataplane/io/wire.h"

#include <cstring>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::io {
namespace {

using Bytes = std::vector<std::byte>;

Bytes bytes(std::initializer_list<unsigned> numbers) {
  Bytes out;
  for (const unsigned n : numbers) out.push_back(static_cast<std::byte>(n));
  return out;
}
void put16(Bytes& frame, std::size_t at, unsigned value) {
  frame[at] = static_cast<std::byte>(value >> 8);
  frame[at + 1] = static_cast<std::byte>(value & 0xff);
}
unsigned get16(const Bytes& frame, std::size_t at) {
  return std::to_integer<unsigned>(frame[at]) << 8 | std::to_integer<unsigned>(frame[at + 1]);
}

// The one's complement sum, word by word, as RFC 1071 tells it.
unsigned plain_sum(const Bytes& data, std::size_t from, std::size_t to, unsigned start = 0) {
  unsigned sum = start;
  for (std::size_t i = from; i < to; i += 2) {
    sum += std::to_integer<unsigned>(data[i]) << 8;
    if (i + 1 < to) sum += std::to_integer<unsigned>(data[i + 1]);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  }
  return sum;
}

struct Shape {
  bool ipv6 = false;
  unsigned protocol = 6;
  std::size_t payload = 11;
  unsigned tags = 0;
  std::size_t padding = 0;
};
struct Packet {
  Bytes frame;
  std::size_t transport = 0, end = 0, checksum = 0;
  unsigned pseudo = 0;
};

// A packet with random addresses and payload, its checksum left to the device.
Packet partial(const Shape& shape, std::mt19937& random) {
  Packet p;
  const auto byte = [&random] { return static_cast<std::byte>(random()); };
  for (int i = 0; i < 12; ++i) p.frame.push_back(byte());
  for (unsigned t = 0; t < shape.tags; ++t) {
    const Bytes tag = bytes({t == 0 && shape.tags == 2 ? 0x88U : 0x81U, t == 0 && shape.tags == 2 ? 0xa8U : 0U, 0, 5});
    p.frame.insert(p.frame.end(), tag.begin(), tag.end());
  }
  const std::size_t header = shape.protocol == 6 ? 20 : 8;
  const std::size_t length = header + shape.payload;
  const std::size_t ip = p.frame.size() + 2;
  const Bytes type = shape.ipv6 ? bytes({0x86, 0xdd}) : bytes({8, 0});
  p.frame.insert(p.frame.end(), type.begin(), type.end());
  p.frame.resize(ip + (shape.ipv6 ? 40 : 20));
  std::size_t addresses = ip + 12;
  std::size_t address_bytes = 8;
  if (shape.ipv6) {
    p.frame[ip] = std::byte{0x60};
    put16(p.frame, ip + 4, static_cast<unsigned>(length));
    p.frame[ip + 6] = static_cast<std::byte>(shape.protocol);
    addresses = ip + 8;
    address_bytes = 32;
  } else {
    p.frame[ip] = std::byte{0x45};
    put16(p.frame, ip + 2, static_cast<unsigned>(20 + length));
    p.frame[ip + 9] = static_cast<std::byte>(shape.protocol);
  }
  for (std::size_t i = 0; i < address_bytes; ++i) p.frame[addresses + i] = byte();
  p.transport = p.frame.size();
  for (std::size_t i = 0; i < length; ++i) p.frame.push_back(byte());
  p.end = p.frame.size();
  p.checksum = p.transport + (shape.protocol == 6 ? 16 : 6);
  p.pseudo = plain_sum(p.frame, addresses, addresses + address_bytes, shape.protocol + static_cast<unsigned>(length));
  while (p.pseudo > 0xffff) p.pseudo = (p.pseudo & 0xffff) + (p.pseudo >> 16);
  put16(p.frame, p.checksum, p.pseudo);
  p.frame.resize(p.end + shape.padding);
  return p;
}

const std::vector<Shape> kShapes = {{},
                                    {.payload = 0},
                                    {.payload = 1460},
                                    {.tags = 1},
                                    {.tags = 2},
                                    {.padding = 6},
                                    {.protocol = 17},
                                    {.protocol = 17, .payload = 1},
                                    {.ipv6 = true},
                                    {.ipv6 = true, .protocol = 17, .payload = 33, .tags = 1},
                                    {.ipv6 = true, .payload = 5, .padding = 3}};

TEST(CompleteChecksum, WhatASenderLeftUndoneIsDoneSoThatTheReceiversSumIsAllOnes) {
  std::mt19937 random(1);
  for (const Shape& shape : kShapes) {
    for (int round = 0; round < 200; ++round) {
      Packet p = partial(shape, random);
      const Bytes before = p.frame;
      ASSERT_TRUE(complete_checksum(p.frame));
      // The receiver's check: pseudo header and everything, checksum included.
      const unsigned sum = plain_sum(p.frame, p.transport, p.end, p.pseudo);
      EXPECT_EQ(sum, 0xffffU);
      // Nothing but the two bytes has changed.
      put16(p.frame, p.checksum, get16(before, p.checksum));
      EXPECT_EQ(p.frame, before);
    }
  }
}

TEST(CompleteChecksum, AChecksumThatIsRightStaysAndSoDoesAWrongOne) {
  std::mt19937 random(2);
  for (const Shape& shape : kShapes) {
    Packet p = partial(shape, random);
    complete_checksum(p.frame);
    const Bytes right = p.frame;
    // When the right one equals the sum of the pseudo header it is found, and comes out the same.
    complete_checksum(p.frame);
    EXPECT_EQ(p.frame, right);
    put16(p.frame, p.checksum, (p.pseudo + 1) & 0xffff);
    const Bytes wrong = p.frame;
    EXPECT_FALSE(complete_checksum(p.frame));
    EXPECT_EQ(p.frame, wrong);
  }
}

TEST(CompleteChecksum, AUdpChecksumOfZeroIsSentAsAllOnes) {
  std::mt19937 random(3);
  Packet p = partial({.protocol = 17, .payload = 2}, random);
  // Payload that makes the sum of everything all ones, so that the checksum would be 0.
  put16(p.frame, p.transport + 8, 0);
  const unsigned sum = plain_sum(p.frame, p.transport, p.end);
  put16(p.frame, p.transport + 8, 0xffff - sum);
  ASSERT_TRUE(complete_checksum(p.frame));
  EXPECT_EQ(get16(p.frame, p.checksum), 0xffffU);
}

TEST(CompleteChecksum, FragmentsAndOtherProtocolsAreLeftAlone) {
  std::mt19937 random(4);
  for (const unsigned flags : {0x2000U, 0x0001U, 0x1fffU}) {
    Packet p = partial({}, random);
    put16(p.frame, 14 + 6, flags);
    EXPECT_FALSE(complete_checksum(p.frame));
  }
  Packet icmp = partial({}, random);
  icmp.frame[14 + 9] = std::byte{1};
  EXPECT_FALSE(complete_checksum(icmp.frame));
  Packet dont_fragment = partial({}, random);
  put16(dont_fragment.frame, 14 + 6, 0x4000);
  EXPECT_TRUE(complete_checksum(dont_fragment.frame));
}

TEST(CompleteChecksum, FramesCutAnywhereAndRandomOnesAreNeverReadBeyondTheirEnd) {
  std::mt19937 random(5);
  for (const Shape& shape : kShapes) {
    const Packet p = partial(shape, random);
    for (std::size_t size = 0; size < p.end; ++size) {
      Bytes cut(p.frame.begin(), p.frame.begin() + static_cast<std::ptrdiff_t>(size));  // its own heap block
      const Bytes before = cut;
      EXPECT_FALSE(complete_checksum(cut)) << size;
      EXPECT_EQ(cut, before);
    }
  }
  for (int i = 0; i < 20000; ++i) {
    Packet p = partial(kShapes[random() % kShapes.size()], random);
    p.frame.resize(random() % p.frame.size() + 1);
    p.frame.shrink_to_fit();
    for (int change = 0; change < 3; ++change) p.frame[random() % p.frame.size()] = static_cast<std::byte>(random());
    complete_checksum(p.frame);
  }
}

TEST(InsertTag, TheTagStandsBehindTheAddressesAndTheRestStays) {
  Bytes buffer = bytes({0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 8, 0, 0x45});
  insert_tag(buffer.data() + 4, 0x6123);
  EXPECT_EQ(buffer, bytes({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x81, 0, 0x61, 0x23, 8, 0, 0x45}));
}

}  // namespace
}  // namespace sluice::io
