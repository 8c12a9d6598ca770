// XSKMAP: ports under slots. The kernel wants sockets where we want ports, so the operations are not compared with it
// here; what programs see of them is (tests/unit/helpers/kernel_map_test.cc).
#include <cerrno>
#include <cstring>

#include <gtest/gtest.h>

#include "vm/maps/xskmap.h"

namespace sluice::vm::testing {
namespace {

class XskmapTest : public ::testing::Test {
 protected:
  int write(std::uint32_t key, std::uint32_t ifindex, std::uint64_t mode = 0) {
    return map_->write(reinterpret_cast<const std::byte*>(&key), reinterpret_cast<const std::byte*>(&ifindex),
                       static_cast<UpdateMode>(mode));
  }
  int erase(std::uint32_t key) { return map_->erase(reinterpret_cast<const std::byte*>(&key)); }
  std::byte* lookup(std::uint32_t key) { return map_->lookup(reinterpret_cast<const std::byte*>(&key), 0); }
  Xskmap& sockets() { return dynamic_cast<Xskmap&>(*map_); }

  std::unique_ptr<Map> map_ = std::move(*make_map({.name = "s", .type = MapType::kXskmap, .max_entries = 4}, 2));
};

TEST_F(XskmapTest, ASlotNamesAPortAndShowsItsQueue) {
  EXPECT_EQ(lookup(3), nullptr);
  EXPECT_EQ(write(3, 7), 0);
  EXPECT_EQ(sockets().resolve(3), 7U);
  ASSERT_NE(lookup(3), nullptr);
  std::uint32_t queue = 0;
  std::memcpy(&queue, lookup(3), sizeof queue);
  EXPECT_EQ(queue, 3U);
  EXPECT_EQ(erase(3), 0);
  EXPECT_EQ(lookup(3), nullptr);
  EXPECT_EQ(sockets().resolve(3), 0U);
  EXPECT_EQ(sockets().resolve(4), 0U);
}

TEST_F(XskmapTest, ModesAreThoseOfTheKernel) {
  EXPECT_EQ(write(0, 7, 2), -ENOENT);
  EXPECT_EQ(write(0, 7, 1), 0);
  EXPECT_EQ(write(0, 7, 1), 0) << "what is there may be put there";
  EXPECT_EQ(write(0, 8, 1), -EEXIST);
  EXPECT_EQ(write(0, 8, 2), 0);
  EXPECT_EQ(write(0, 8, 3), -EINVAL);
  EXPECT_EQ(write(4, 8), -E2BIG);
  EXPECT_EQ(write(0, 0), -EBADF);
  EXPECT_EQ(erase(4), -EINVAL);
  EXPECT_EQ(erase(1), 0);
}

TEST_F(XskmapTest, IsNotReadByTheControlPathNorChangedWhenFrozen) {
  std::uint32_t value = 0;
  const std::uint32_t key = 0;
  ASSERT_EQ(write(0, 7), 0);
  EXPECT_EQ(map_->read(reinterpret_cast<const std::byte*>(&key), reinterpret_cast<std::byte*>(&value)), -EOPNOTSUPP);
  map_->freeze();
  EXPECT_EQ(write(0, 8), -EPERM);
  EXPECT_EQ(erase(0), -EPERM);
  EXPECT_EQ(sockets().resolve(0), 7U);
}

}  // namespace
}  // namespace sluice::vm::testing
