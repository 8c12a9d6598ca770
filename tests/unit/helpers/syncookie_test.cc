#include "vm/syncookie.h"

#include <cerrno>

#include "tests/unit/helpers/support.h"
#include "tests/unit/helpers/syncookie.h"

namespace sluice::helpers::testing {
namespace {

// Key 00 01 .. 0f, messages 00 01 02 ..: the vectors of the authors' reference implementation.
TEST(SipHash, GivesTheAuthorsVectors) {
  const vm::SipKey key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
  std::array<std::byte, 15> message{};
  for (std::size_t i = 0; i < message.size(); ++i) message[i] = static_cast<std::byte>(i);
  const auto of = [&](std::size_t bytes) { return vm::siphash(std::span(message).first(bytes), key); };
  EXPECT_EQ(of(0), 0x726fdb47dd0e0e31U);
  EXPECT_EQ(of(1), 0x74f839c593dc67fdU);
  EXPECT_EQ(of(8), 0x93f5f5799a932462U);
  EXPECT_EQ(of(15), 0xa129ca6149be45e5U);
}

class CookieTest : public HelperTest {
 protected:
  CookieTest() { env_.clock.is_virtual = true; }
  [[nodiscard]] bool ipv6() const { return row()->name.ends_with("6"); }
  std::int64_t run(std::int32_t id, const Segment& one, std::uint64_t length) {
    ++calls_;
    const auto at = [](const auto& bytes) { return reinterpret_cast<std::uint64_t>(bytes.data()); };
    return static_cast<std::int64_t>(table().find(id)->fn(at(one.ip), at(one.tcp), length, 0, 0, env_));
  }
  std::int64_t make(const Segment& one) { return run(ipv6() ? 205 : 204, one, one.tcp.size()); }
  std::int64_t check(const Segment& one) { return run(ipv6() ? 207 : 206, one, 0); }
  std::uint32_t cookie(std::uint32_t sequence) { return static_cast<std::uint32_t>(make(segment(ipv6(), sequence))); }
  // What answers a cookie.
  [[nodiscard]] Segment answer(std::uint32_t sequence, std::uint32_t cookie) const {
    return segment(ipv6(), sequence + 1, cookie + 1);
  }

  void makes_what_the_other_knows() {
    for (const std::uint32_t sequence : {0U, 1U, 0x7fffffffU, 0xfffffffeU, 0xffffffffU}) {
      EXPECT_EQ(check(answer(sequence, cookie(sequence))), 0) << sequence;
      EXPECT_EQ(check(answer(sequence + 1, cookie(sequence))), -EACCES);
      EXPECT_EQ(check(answer(sequence, cookie(sequence) + 8)), -EACCES) << "there are four sizes";
      EXPECT_EQ(check(answer(sequence, cookie(sequence) ^ 0x10000000)), -EACCES);
    }
    Segment other = answer(5, cookie(5));
    other.tcp[1] = std::byte{2};
    EXPECT_EQ(check(other), -EACCES) << "another port";
    other = answer(5, cookie(5));
    other.ip.back() ^= std::byte{1};
    EXPECT_EQ(check(other), -EACCES) << "another host";
  }
  void lasts_two_minutes() {
    constexpr std::uint64_t kMinute = 60'000'000'000;
    const std::uint32_t made = cookie(77);
    env_.clock.virtual_ns = kMinute;
    EXPECT_EQ(check(answer(77, made)), 0);
    EXPECT_NE(cookie(77), made);
    env_.clock.virtual_ns = 2 * kMinute;
    EXPECT_EQ(check(answer(77, made)), -EACCES);
  }
  void depends_on_the_keys() {
    vm::SynCookieKeys keys;
    const std::uint32_t made = cookie(9);
    env_.cookies = &keys;
    EXPECT_EQ(cookie(9), made) << "the default keys are the fixed ones";
    (ipv6() ? keys.ipv6 : keys.ipv4)[1][0] += 1;
    EXPECT_NE(cookie(9), made);
    EXPECT_EQ(check(answer(9, cookie(9))), 0);
    EXPECT_EQ(check(answer(9, made)), -EACCES);
  }
  void refuses_lengths() {
    const Segment one = segment(ipv6(), 1, 0, mss_option(1460));
    const std::int32_t id = ipv6() ? 205 : 204;
    for (const std::uint64_t length : {0U, 19U, 20U, 23U, 25U}) EXPECT_EQ(run(id, one, length), -EINVAL) << length;
    EXPECT_GT(run(id, one, 24), 0);
  }
};

class TcpRawGenSyncookieIpv4 : public CookieTest {};
class TcpRawGenSyncookieIpv6 : public CookieTest {};
class TcpRawCheckSyncookieIpv4 : public CookieTest {};
class TcpRawCheckSyncookieIpv6 : public CookieTest {};

TEST_F(TcpRawGenSyncookieIpv4, RefusesOtherLengthsThanTheHeaders) { refuses_lengths(); }
TEST_F(TcpRawGenSyncookieIpv6, RefusesOtherLengthsThanTheHeaders) { refuses_lengths(); }
TEST_F(TcpRawGenSyncookieIpv4, DependsOnTheKeys) { depends_on_the_keys(); }
TEST_F(TcpRawGenSyncookieIpv6, DependsOnTheKeys) { depends_on_the_keys(); }
TEST_F(TcpRawCheckSyncookieIpv4, KnowsItsOwn) { makes_what_the_other_knows(); }
TEST_F(TcpRawCheckSyncookieIpv6, KnowsItsOwn) { makes_what_the_other_knows(); }
TEST_F(TcpRawCheckSyncookieIpv4, ForTwoMinutes) { lasts_two_minutes(); }
TEST_F(TcpRawCheckSyncookieIpv6, ForTwoMinutes) { lasts_two_minutes(); }

}  // namespace
}  // namespace sluice::helpers::testing
