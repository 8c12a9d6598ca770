#include "jit/code_region.h"

#include <sys/mman.h>

#include <array>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "jit/jit.h"
#include "tests/support/programs.h"

namespace sluice::jit {
namespace {

// mov eax, 42; ret
constexpr std::array<std::byte, 6> kFortyTwo = {std::byte{0xb8}, std::byte{42}, std::byte{0},
                                                std::byte{0},    std::byte{0},  std::byte{0xc3}};

// "r-xs" and the like of the mapping that holds `address`; empty when nothing is mapped there.
std::string permissions_at(const void* address) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream fields(line);
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    char dash = 0;
    std::string permissions;
    fields >> std::hex >> from >> dash >> to >> permissions;
    const auto at = reinterpret_cast<std::uint64_t>(address);
    if (at >= from && at < to) return permissions;
  }
  return "";
}

unsigned lines_of_maps(bool (*wanted)(const std::string& line)) {
  std::ifstream maps("/proc/self/maps");
  unsigned count = 0;
  for (std::string line; std::getline(maps, line);) count += wanted(line) ? 1U : 0U;
  return count;
}

std::unique_ptr<CodeRegion> region_of(std::size_t bytes) {
  Result<std::unique_ptr<CodeRegion>> region = CodeRegion::reserve(bytes, reinterpret_cast<const void*>(&region_of));
  return std::move(region).value();
}

TEST(CodeRegion, RunsWhatWasPublished) {
  const auto region = region_of(kFortyTwo.size());
  ASSERT_TRUE(region->publish(kFortyTwo));
  EXPECT_EQ(reinterpret_cast<int (*)()>(reinterpret_cast<std::uintptr_t>(region->base()))(), 42);
}

TEST(CodeRegion, IsOnlyReadableAndExecutableOncePublished) {
  const auto region = region_of(kFortyTwo.size());
  EXPECT_EQ(permissions_at(region->base()).substr(0, 3), "---");
  ASSERT_TRUE(region->publish(kFortyTwo));
  EXPECT_EQ(permissions_at(region->base()).substr(0, 3), "r-x");
}

TEST(CodeRegion, LeavesNoWritableAliasBehind) {
  const auto region = region_of(kFortyTwo.size());
  ASSERT_TRUE(region->publish(kFortyTwo));
  const auto writable_code = [](const std::string& line) {
    return line.find("sluice-code") != std::string::npos && line.find(" rw") != std::string::npos;
  };
  EXPECT_EQ(lines_of_maps(writable_code), 0U);
}

TEST(CodeRegion, CannotBeMadeWritableAgain) {
  const auto region = region_of(kFortyTwo.size());
  ASSERT_TRUE(region->publish(kFortyTwo));
  EXPECT_NE(mprotect(const_cast<std::byte*>(region->base()), 4096, PROT_READ | PROT_WRITE), 0);
}

TEST(CodeRegion, LiesWithinReachOfTheBinarysText) {
  const auto region = region_of(100'000);
  const auto distance = static_cast<std::int64_t>(reinterpret_cast<std::uint64_t>(region->base()) -
                                                  reinterpret_cast<std::uint64_t>(&region_of));
  EXPECT_LT(std::abs(distance), std::int64_t{1} << 31);
}

TEST(CodeRegion, FillsTheRestOfItsPagesWithTraps) {
  const auto region = region_of(kFortyTwo.size());
  ASSERT_TRUE(region->publish(kFortyTwo));
  for (std::size_t i = kFortyTwo.size(); i < 4096; ++i) ASSERT_EQ(region->base()[i], std::byte{0xcc}) << i;
}

TEST(CodeRegion, AWholePageOfCodeStillHasATrapBehindIt) {
  const std::vector<std::byte> page(4096, std::byte{0x90});
  const auto region = region_of(page.size());
  ASSERT_TRUE(region->publish(page));
  EXPECT_EQ(region->base()[4096], std::byte{0xcc});
}

TEST(CodeRegion, GivesItsAddressesBack) {
  const void* base = nullptr;
  {
    const auto region = region_of(kFortyTwo.size());
    ASSERT_TRUE(region->publish(kFortyTwo));
    base = region->base();
  }
  EXPECT_EQ(permissions_at(base), "");
}

TEST(CodeRegion, FailsWhenThereAreNotThatManyAddresses) {
  const auto region = CodeRegion::reserve(std::size_t{1} << 60, reinterpret_cast<const void*>(&region_of));
  ASSERT_FALSE(region);
  EXPECT_EQ(region.error().code, ErrorCode::kEnvironment);
}

TEST(CodeRegion, NoPageOfTheProcessIsWritableAndExecutableAfterACompilation) {
  const auto compiled = compile(testing_support::unverified("mov r0, 1\nexit"), testing_support::fake_helpers());
  ASSERT_TRUE(compiled);
  EXPECT_EQ(lines_of_maps([](const std::string& line) { return line.find(" rwx") != std::string::npos; }), 0U);
  EXPECT_EQ(permissions_at(compiled->code().data()).substr(0, 3), "r-x");
}

}  // namespace
}  // namespace sluice::jit
