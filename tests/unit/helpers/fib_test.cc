// Ports and routes, of a table that a test writes. The kernel answers the same questions in
// tests/unit/pipeline/fib_kernel_test.cc.
#include <linux/bpf.h>
#include <sys/socket.h>

#include <cerrno>
#include <optional>

#include "tests/unit/helpers/support.h"
#include "vm/fib.h"

namespace sluice::helpers::testing {
namespace {

// Two ports, one route, one neighbour.
class Ports : public vm::Fib {
 public:
  [[nodiscard]] const vm::FibPort* port(std::uint32_t ifindex) const noexcept override {
    const auto found = std::ranges::find(ports, ifindex, &vm::FibPort::ifindex);
    return found == ports.end() ? nullptr : &*found;
  }
  [[nodiscard]] const vm::FibRoute* route(vm::FibFamily family, std::uint32_t table, const vm::FibAddress& to,
                                          std::uint32_t through) const noexcept override {
    asked.push_back({family, table, to, through});
    return known && table == in_table ? &*known : nullptr;
  }
  [[nodiscard]] const vm::MacAddress* neighbour(vm::FibFamily family, std::uint32_t ifindex,
                                                const vm::FibAddress& address) const noexcept override {
    return family == neighbour_family && ifindex == 7 && address == neighbour_address ? &mac : nullptr;
  }
  struct Question {
    vm::FibFamily family;
    std::uint32_t table;
    vm::FibAddress to;
    std::uint32_t through;
  };
  mutable std::vector<Question> asked;
  std::array<vm::FibPort, 2> ports{
      {{.ifindex = 3, .mtu = 1500, .mac = {2, 0, 0, 0, 0, 3}}, {.ifindex = 7, .mtu = 9000, .mac = {2, 0, 0, 0, 0, 7}}}};
  std::optional<vm::FibRoute> known;
  std::uint32_t in_table = vm::kMainTable;
  vm::FibFamily neighbour_family = vm::FibFamily::kIpv4;
  vm::FibAddress neighbour_address{};
  vm::MacAddress mac{2, 0xaa, 0, 0, 0, 1};
};

class CheckMtu : public HelperTest {
 protected:
  CheckMtu() {
    env_.fib = &fib_;
    frame_.context.ingress_ifindex = 3;
  }
  std::int64_t check(std::uint32_t ifindex, std::uint32_t& length, std::int32_t difference = 0) {
    return call(&frame_.context, ifindex, &length, difference, 0);
  }
  Ports fib_;
  Frame frame_{Model::kNative, 1514};
};

TEST_F(CheckMtu, ComparesTheFrameAndWritesThePortsMtu) {
  for (const auto& [ifindex, mtu] : {std::pair{0U, 1500U}, {3U, 1500U}, {7U, 9000U}}) {
    std::uint32_t length = 0;
    EXPECT_EQ(check(ifindex, length), 0);
    EXPECT_EQ(length, mtu);
  }
  std::uint32_t length = 0;
  EXPECT_EQ(check(3, length, 1), 1);
  EXPECT_EQ(length, 1500U);
}

TEST_F(CheckMtu, ComparesALengthOfAnIpPacketInstead) {
  std::uint32_t length = 1500;
  EXPECT_EQ(check(3, length), 0);
  length = 1501;
  EXPECT_EQ(check(3, length), 1);
  EXPECT_EQ(length, 1500U);
  length = 1501;
  EXPECT_EQ(check(3, length, -1), 0);
}

TEST_F(CheckMtu, LeavesTheLengthAloneWhereItRefuses) {
  std::uint32_t length = 77;
  EXPECT_EQ(check(8, length), -ENODEV);
  EXPECT_EQ(call(&frame_.context, 3, &length, 0, 1), -EINVAL);
  EXPECT_EQ(length, 77U);
  env_.fib = nullptr;
  EXPECT_EQ(check(7, length), -ENODEV);
  EXPECT_EQ(check(3, length), 0);
  EXPECT_EQ(length, 65536U);
}

class FibLookup : public HelperTest {
 protected:
  FibLookup() {
    env_.fib = &fib_;
    frame_.context.ingress_ifindex = 3;
    params_.family = AF_INET;
    params_.ifindex = 3;
    params_.tot_len = 100;
    params_.ipv4_src = 0x010200c0;
    params_.ipv4_dst = 0x210200c0;
    fib_.known = vm::FibRoute{.metric = 5, .port = &fib_.ports[1]};
    fib_.neighbour_address = {192, 0, 2, 33};
  }
  std::int64_t look_up(std::uint32_t flags = 0) { return call(&frame_.context, &params_, 64, flags); }
  static vm::FibAddress address_of(const bpf_fib_lookup& params) {
    vm::FibAddress out;
    std::memcpy(out.data(), params.ipv6_dst, out.size());
    return out;
  }

  Ports fib_;
  Frame frame_{Model::kNative, 60};
  bpf_fib_lookup params_{};
};

constexpr std::uint32_t kOutput = 2, kSkipNeighbour = 4, kDirect = 1, kTable = 8, kSource = 16;

TEST_F(FibLookup, TellsTheWayAndTheAddresses) {
  EXPECT_EQ(look_up(), BPF_FIB_LKUP_RET_SUCCESS);
  EXPECT_EQ(params_.ifindex, 7U);
  EXPECT_EQ(params_.rt_metric, 5U);
  EXPECT_EQ(params_.mtu_result, 9000);
  EXPECT_EQ(std::memcmp(params_.dmac, fib_.mac.data(), 6), 0);
  EXPECT_EQ(std::memcmp(params_.smac, fib_.ports[1].mac.data(), 6), 0);
  EXPECT_EQ(params_.ipv4_dst, 0x210200c0U) << "without a gateway the destination stays";
  EXPECT_EQ(params_.ipv4_src, 0x010200c0U) << "nobody asked for it";
}

TEST_F(FibLookup, AsksForTheGatewayOfEitherFamily) {
  fib_.known->has_gateway = true;
  fib_.known->gateway = {10, 0, 0, 7};
  fib_.neighbour_address = fib_.known->gateway;
  EXPECT_EQ(look_up(), BPF_FIB_LKUP_RET_SUCCESS);
  EXPECT_EQ(params_.ipv4_dst, 0x0700000aU);
  fib_.known->gateway_family = vm::FibFamily::kIpv6;
  fib_.known->gateway = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  fib_.neighbour_address = fib_.known->gateway;
  fib_.neighbour_family = vm::FibFamily::kIpv6;
  params_.ifindex = 3;
  EXPECT_EQ(look_up(), BPF_FIB_LKUP_RET_SUCCESS);
  EXPECT_EQ(params_.family, AF_INET6);
  EXPECT_EQ(address_of(params_), fib_.known->gateway);
}

TEST_F(FibLookup, SaysWhenNobodyKnowsTheNeighbour) {
  fib_.neighbour_address = {1, 2, 3, 4};
  EXPECT_EQ(look_up(), BPF_FIB_LKUP_RET_NO_NEIGH);
  EXPECT_EQ(params_.ifindex, 7U) << "the way is told";
  EXPECT_EQ(params_.dmac[1], 0);
  params_.ifindex = 3;
  EXPECT_EQ(look_up(kSkipNeighbour), BPF_FIB_LKUP_RET_SUCCESS);
  EXPECT_EQ(params_.dmac[1], 0);
}

TEST_F(FibLookup, AsksTablesAsFlagsSay) {
  fib_.in_table = 0;
  EXPECT_EQ(look_up(), BPF_FIB_LKUP_RET_NOT_FWDED);
  EXPECT_EQ(look_up(kDirect | kOutput), BPF_FIB_LKUP_RET_NOT_FWDED);
  params_.tbid = 77;
  EXPECT_EQ(look_up(kDirect | kTable), BPF_FIB_LKUP_RET_NOT_FWDED);
  EXPECT_EQ(params_.tbid, 0U);
  ASSERT_EQ(fib_.asked.size(), 4U);
  EXPECT_EQ(fib_.asked[0].table, vm::kMainTable);
  EXPECT_EQ(fib_.asked[1].table, vm::kDefaultTable);
  EXPECT_EQ(fib_.asked[1].through, 0U);
  EXPECT_EQ(fib_.asked[2].table, vm::kMainTable);
  EXPECT_EQ(fib_.asked[2].through, 3U);
  EXPECT_EQ(fib_.asked[3].table, 77U);
}

TEST_F(FibLookup, RefusesByTypeOfRoute) {
  using Type = vm::FibRoute::Type;
  for (const auto& [type, answer] : {std::pair{Type::kLocal, BPF_FIB_LKUP_RET_NOT_FWDED},
                                     {Type::kBlackhole, BPF_FIB_LKUP_RET_BLACKHOLE},
                                     {Type::kUnreachable, BPF_FIB_LKUP_RET_UNREACHABLE},
                                     {Type::kProhibit, BPF_FIB_LKUP_RET_PROHIBIT}}) {
    fib_.known = vm::FibRoute{.type = type};
    EXPECT_EQ(look_up(), answer);
  }
}

TEST_F(FibLookup, LinkLocalAddressesStayOnTheLink) {
  params_.family = AF_INET6;
  for (const vm::FibAddress& address :
       {vm::FibAddress{0xff, 2}, vm::FibAddress{0xfe, 0x80, 1}, vm::FibAddress{0xfe, 0xbf},
        vm::FibAddress{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}) {
    std::memcpy(params_.ipv6_dst, address.data(), 16);
    EXPECT_EQ(look_up(), BPF_FIB_LKUP_RET_NOT_FWDED);
  }
  EXPECT_TRUE(fib_.asked.empty());
  const vm::FibAddress global{0x20, 1, 0xd, 0xb8};
  std::memcpy(params_.ipv6_dst, global.data(), 16);
  std::memset(params_.ipv6_src, 0, 16);
  EXPECT_EQ(look_up(kSkipNeighbour), BPF_FIB_LKUP_RET_SUCCESS);
}

TEST_F(FibLookup, ComparesTheLengthWithTheMtu) {
  params_.tot_len = 9001;
  EXPECT_EQ(look_up(), BPF_FIB_LKUP_RET_FRAG_NEEDED);
  EXPECT_EQ(params_.mtu_result, 9000);
  EXPECT_EQ(params_.ifindex, 3U) << "nothing else is told";
  params_.tot_len = 9000;
  EXPECT_EQ(look_up(), BPF_FIB_LKUP_RET_SUCCESS);
}

TEST_F(FibLookup, GivesASourceWhenAsked) {
  fib_.known->has_source = true;
  fib_.known->source = {198, 51, 100, 9};
  EXPECT_EQ(look_up(kSource), BPF_FIB_LKUP_RET_SUCCESS);
  EXPECT_EQ(params_.ipv4_src, 0x096433c6U);
  fib_.known->has_source = false;
  params_.family = AF_INET6;
  params_.ifindex = 3;
  const vm::FibAddress global{0x20, 1, 0xd, 0xb8};
  std::memcpy(params_.ipv6_dst, global.data(), 16);
  std::memcpy(params_.ipv6_src, global.data(), 16);
  EXPECT_EQ(look_up(kSource), BPF_FIB_LKUP_RET_NO_SRC_ADDR);
}

TEST_F(FibLookup, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(call(&frame_.context, &params_, 63, 0), -EINVAL);
  EXPECT_EQ(look_up(64), -EINVAL);
  EXPECT_EQ(look_up(1U << 31), -EINVAL);
  params_.ifindex = 4;
  EXPECT_EQ(look_up(), -ENODEV);
  params_.family = 5;
  EXPECT_EQ(look_up(), -EAFNOSUPPORT);
}

TEST_F(FibLookup, ForwardsOnlyFromPortsThatForward) {
  fib_.ports[0].forwards_ipv4 = false;
  EXPECT_EQ(look_up(), BPF_FIB_LKUP_RET_FWD_DISABLED);
  env_.fib = nullptr;
  EXPECT_EQ(look_up(), BPF_FIB_LKUP_RET_FWD_DISABLED) << "as the kernel's loopback";
  params_.ifindex = 7;
  EXPECT_EQ(look_up(), -ENODEV);
}

}  // namespace
}  // namespace sluice::helpers::testing
