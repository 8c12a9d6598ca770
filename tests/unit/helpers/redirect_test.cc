#include <memory>

#include "tests/unit/helpers/support.h"
#include "vm/maps/map.h"
#include "vm/program.h"

namespace sluice::helpers::testing {
namespace {

constexpr std::int64_t kAborted = 0, kRedirected = 4;
constexpr std::uint64_t kBroadcast = 8, kExcludeIngress = 16;
using Kind = vm::Redirect::Kind;

// A suite whose helper leaves a request in the frame.
class Asking : public HelperTest {
 protected:
  Asking() {
    env_.frame = &frame_.context;
    asked() = {.kind = Kind::kIfindex, .ifindex = 99, .flags = 7};  // an earlier call's
  }
  vm::Redirect& asked() { return frame_.context.redirect; }
  void expect_untouched() {
    EXPECT_EQ(asked().kind, Kind::kIfindex);
    EXPECT_EQ(asked().ifindex, 99U);
    EXPECT_EQ(asked().flags, 7U);
  }
  Frame frame_{Model::kNative, 60};
};

class Redirect : public Asking {};

TEST_F(Redirect, AsksForAPortUnchecked) {
  for (const std::uint32_t ifindex : {0U, 1U, 0xffffffffU}) {
    EXPECT_EQ(call(std::int64_t{ifindex}, 0), kRedirected);
    EXPECT_EQ(asked().kind, Kind::kIfindex);
    EXPECT_EQ(asked().ifindex, ifindex);
    EXPECT_EQ(asked().flags, 0U);
    EXPECT_EQ(asked().map, nullptr);
    EXPECT_EQ(asked().program, nullptr);
  }
}

TEST_F(Redirect, ThePortIsA32BitNumber) {
  EXPECT_EQ(call(std::int64_t{0x7'0000'0003}, 0), kRedirected);
  EXPECT_EQ(asked().ifindex, 3U);
}

TEST_F(Redirect, AnyFlagAborts) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    EXPECT_EQ(call(3, static_cast<std::int64_t>(std::uint64_t{1} << bit)), kAborted);
    expect_untouched();
  }
}

TEST_F(Redirect, TheLastCallCounts) {
  EXPECT_EQ(call(3, 0), kRedirected);
  EXPECT_EQ(call(4, 0), kRedirected);
  EXPECT_EQ(call(5, 1), kAborted);
  EXPECT_EQ(asked().ifindex, 4U);
}

class RedirectMap : public Asking, public ::testing::WithParamInterface<vm::MapType> {
 protected:
  RedirectMap() {
    vm::MapSpec spec{.name = "ports", .type = GetParam(), .key_size = 4, .value_size = 8, .max_entries = 4};
    map_ = std::move(*vm::make_map(spec, 1));
    store(2, 20);
  }
  void store(std::uint32_t key, std::uint64_t ifindex) {
    EXPECT_EQ(map_->write(reinterpret_cast<const std::byte*>(&key), reinterpret_cast<const std::byte*>(&ifindex),
                          vm::UpdateMode::kAny),
              0);
  }
  vm::Devmap& devmap() { return dynamic_cast<vm::Devmap&>(*map_); }
  std::unique_ptr<vm::Map> map_;
};
INSTANTIATE_TEST_SUITE_P(Type, RedirectMap, ::testing::Values(vm::MapType::kDevmap, vm::MapType::kDevmapHash),
                         [](const auto& test) { return std::string(vm::map_type_name(test.param)); });

TEST_P(RedirectMap, ResolvesTheEntryWhenItIsCalled) {
  EXPECT_EQ(call(map_.get(), 2, 0), kRedirected);
  store(2, 21);  // too late for this frame
  EXPECT_EQ(asked().kind, Kind::kEntry);
  EXPECT_EQ(asked().ifindex, 20U);
  EXPECT_EQ(asked().flags, 0U);
  EXPECT_EQ(asked().map, map_.get());
  EXPECT_EQ(asked().program, nullptr);
}

TEST_P(RedirectMap, BringsTheProgramOfTheEntry) {
  const vm::ProgramSlot program{.stage = 3};
  ASSERT_EQ(devmap().attach(2, &program), 0);
  EXPECT_EQ(call(map_.get(), 2, 0), kRedirected);
  EXPECT_EQ(asked().program, &program);
}

TEST_P(RedirectMap, AnEmptySlotGivesTheLowBitsOfFlagsAndForgetsWhatWasAsked) {
  for (std::int64_t flags = 0; flags < 4; ++flags) {
    asked() = {.kind = Kind::kIfindex, .ifindex = 99};
    EXPECT_EQ(call(map_.get(), 1, flags), flags);
    EXPECT_EQ(asked().kind, Kind::kNone);
    EXPECT_EQ(asked().ifindex, 0U);
  }
  EXPECT_EQ(call(map_.get(), 4, 2), 2) << "beyond a DEVMAP's end";
  EXPECT_EQ(call(map_.get(), std::int64_t{0xffff'ffff}, 1), 1);
}

TEST_P(RedirectMap, TheLowBitsDoNotMatterForAnEntry) {
  for (std::int64_t flags = 0; flags < 4; ++flags) {
    EXPECT_EQ(call(map_.get(), 2, flags), kRedirected);
    EXPECT_EQ(asked().kind, Kind::kEntry);
  }
}

TEST_P(RedirectMap, TheKeyIsA32BitNumber) {
  EXPECT_EQ(call(map_.get(), std::int64_t{0x9'0000'0002}, 0), kRedirected);
  EXPECT_EQ(asked().ifindex, 20U);
}

TEST_P(RedirectMap, FlagsThatAreNoneAbortAndChangeNothing) {
  for (unsigned bit = 2; bit < 64; ++bit) {
    const std::uint64_t flag = std::uint64_t{1} << bit;
    if (flag == kBroadcast || flag == kExcludeIngress) continue;
    EXPECT_EQ(call(map_.get(), 2, static_cast<std::int64_t>(flag | 2)), kAborted) << bit;
    EXPECT_EQ(call(map_.get(), 2, static_cast<std::int64_t>(flag | kBroadcast)), kAborted) << bit;
    expect_untouched();
  }
}

TEST_P(RedirectMap, BroadcastsWhateverTheKeyIs) {
  for (const std::uint64_t flags : {kBroadcast, kBroadcast | kExcludeIngress, kBroadcast | 2}) {
    for (const std::int64_t key : {2, 1, 77}) {
      asked() = {.kind = Kind::kIfindex, .ifindex = 99};
      EXPECT_EQ(call(map_.get(), key, static_cast<std::int64_t>(flags)), kRedirected);
      EXPECT_EQ(asked().kind, Kind::kBroadcast);
      EXPECT_EQ(asked().flags, flags);
      EXPECT_EQ(asked().map, map_.get());
      EXPECT_EQ(asked().ifindex, 0U);
    }
  }
}

TEST_P(RedirectMap, BroadcastsToAnEmptyMapToo) {
  const std::uint32_t key = 2;
  ASSERT_EQ(map_->erase(reinterpret_cast<const std::byte*>(&key)), 0);
  EXPECT_EQ(call(map_.get(), 0, static_cast<std::int64_t>(kBroadcast)), kRedirected);
}

TEST_P(RedirectMap, ExcludeIngressAloneIsAnOrdinaryRedirect) {
  EXPECT_EQ(call(map_.get(), 2, static_cast<std::int64_t>(kExcludeIngress)), kRedirected);
  EXPECT_EQ(asked().kind, Kind::kEntry);
  EXPECT_EQ(asked().flags, 0U);
  EXPECT_EQ(call(map_.get(), 1, static_cast<std::int64_t>(kExcludeIngress | 2)), 2);
}

// Entries that are no ports of a devmap.
class RedirectElsewhere : public ::testing::TestWithParam<vm::MapType> {
 protected:
  RedirectElsewhere() {
    vm::MapSpec spec{.name = "to", .type = GetParam(), .key_size = 4, .value_size = 4, .max_entries = 4};
    map_ = std::move(*vm::make_map(spec, 3));
    const std::uint32_t key = 2;
    const std::uint32_t value = 20;
    EXPECT_EQ(map_->write(reinterpret_cast<const std::byte*>(&key), reinterpret_cast<const std::byte*>(&value),
                          vm::UpdateMode::kAny),
              0);
    env_.frame = &frame_.context;
  }
  std::uint64_t call(std::uint64_t key, std::uint64_t flags) {
    return table().find(51)->fn(reinterpret_cast<std::uint64_t>(map_.get()), key, flags, 0, 0, env_);
  }
  [[nodiscard]] const vm::Redirect& asked() const { return frame_.context.redirect; }

  Frame frame_{Model::kLinux, 60};
  vm::ExecEnv env_;
  std::unique_ptr<vm::Map> map_;
};
INSTANTIATE_TEST_SUITE_P(Type, RedirectElsewhere, ::testing::Values(vm::MapType::kCpumap, vm::MapType::kXskmap),
                         [](const auto& test) { return std::string(vm::map_type_name(test.param)); });

TEST_P(RedirectElsewhere, CpusAndSocketsAreToldApart) {
  const bool cpu = GetParam() == vm::MapType::kCpumap;
  EXPECT_EQ(call(0x9'0000'0002, 1), kRedirected);
  EXPECT_EQ(asked().kind, cpu ? Kind::kCpu : Kind::kSocket);
  EXPECT_EQ(asked().ifindex, cpu ? 2U : 20U);
  EXPECT_EQ(asked().map, map_.get());
  EXPECT_EQ(asked().program, nullptr);
  EXPECT_EQ(call(1, 3), 3U) << "an empty slot";
  EXPECT_EQ(asked().kind, Kind::kNone);
  EXPECT_EQ(call(4, 2), 2U) << "beyond the end";
}

TEST_P(RedirectElsewhere, NothingIsBroadcast) {
  for (unsigned bit = 2; bit < 64; ++bit) EXPECT_EQ(call(2, std::uint64_t{1} << bit | 2), 0U) << bit;
  EXPECT_EQ(asked().kind, Kind::kNone);
}

}  // namespace
}  // namespace sluice::helpers::testing
