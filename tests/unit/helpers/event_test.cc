// bpf_perf_event_output as programs use it; what the kernel's says is compared with in kernel_event_test.cc.
#include <cerrno>
#include <memory>

#include "tests/unit/helpers/support.h"
#include "vm/maps/perf_event_array.h"

namespace sluice::helpers::testing {
namespace {

class PerfEventOutput : public HelperTest {
 protected:
  static constexpr std::uint64_t kCurrentCpu = 0xffffffff;
  static constexpr std::uint64_t of_frame(std::uint64_t bytes) { return bytes << 32; }

  std::string drained(std::uint32_t index) {
    std::string all;
    const auto see = [](void* to, const vm::PerfRing::Record& record) {
      auto& text = *static_cast<std::string*>(to);
      if (record.lost != 0) {
        text += "(" + std::to_string(record.lost) + " lost)";
      } else {
        text += "<" + std::string(reinterpret_cast<const char*>(record.bytes.data()), record.bytes.size()) + ">";
      }
    };
    while (events_.ring(index)->consume(see, &all)) continue;
    return all;
  }

  std::unique_ptr<vm::Map> map_ =
      std::move(*vm::make_map({.name = "events", .type = vm::MapType::kPerfEventArray, .max_entries = 3}, 2));
  vm::PerfEventArray& events_ = dynamic_cast<vm::PerfEventArray&>(*map_);
  Frame frame_{Model::kLinux, 60};
};

TEST_F(PerfEventOutput, WritesToTheRingOfTheRunningCpu) {
  ASSERT_EQ(events_.open_all(4096), 0);
  EXPECT_EQ(call(&frame_.context, map_.get(), kCurrentCpu, "zero", 4), 0);
  env_.cpu = 1;
  EXPECT_EQ(call(&frame_.context, map_.get(), kCurrentCpu, "one", 3), 0);
  EXPECT_EQ(call(&frame_.context, map_.get(), 1, "again", 5), 0);
  EXPECT_EQ(drained(0), "<zero>");
  EXPECT_EQ(drained(1), "<one><again>");
}

TEST_F(PerfEventOutput, AppendsTheStartOfTheFrame) {
  ASSERT_EQ(events_.open_all(4096), 0);
  std::memcpy(frame_.context.data, "frame", 5);
  EXPECT_EQ(call(&frame_.context, map_.get(), kCurrentCpu | of_frame(5), "the ", 4), 0);
  EXPECT_EQ(call(&frame_.context, map_.get(), kCurrentCpu | of_frame(3), "", 0), 0);
  EXPECT_EQ(drained(0), "<the frame><fra>");
}

TEST_F(PerfEventOutput, AppendsAcrossTheEndOfTheLinearPart) {
  ASSERT_EQ(events_.open_all(8192), 0);
  Frame large(Model::kLinux, 3520, 1000);
  EXPECT_EQ(call(&large.context, map_.get(), kCurrentCpu | of_frame(4520), "", 0), 0);
  EXPECT_EQ(call(&large.context, map_.get(), kCurrentCpu | of_frame(4521), "", 0), -EFAULT);
  const auto all = large.bytes();
  EXPECT_TRUE(drained(0) == "<" + std::string(reinterpret_cast<const char*>(all.data()), all.size()) + ">");
}

TEST_F(PerfEventOutput, RefusesWhatTheKernelRefuses) {
  EXPECT_EQ(call(&frame_.context, map_.get(), kCurrentCpu, "x", 1), -ENOENT) << "no reader";
  ASSERT_EQ(events_.open(0, 4096), 0);
  EXPECT_EQ(call(&frame_.context, map_.get(), std::uint64_t{1} << 52, "x", 1), -EINVAL) << "flags";
  EXPECT_EQ(call(&frame_.context, map_.get(), kCurrentCpu | of_frame(61), "x", 1), -EFAULT) << "more than the frame";
  EXPECT_EQ(call(&frame_.context, map_.get(), 3, "x", 1), -E2BIG) << "no such slot";
  EXPECT_EQ(call(&frame_.context, map_.get(), 2, "x", 1), -ENOENT);
  env_.cpu = 1;
  EXPECT_EQ(call(&frame_.context, map_.get(), 0, "x", 1), -EOPNOTSUPP) << "another CPU's ring";
  EXPECT_EQ(drained(0), "");
}

TEST_F(PerfEventOutput, CountsWhatFindsNoRoom) {
  ASSERT_EQ(events_.open_all(4096), 0);
  const std::string large(2000, 'x');
  EXPECT_EQ(call(&frame_.context, map_.get(), kCurrentCpu, large.data(), large.size()), 0);
  EXPECT_EQ(call(&frame_.context, map_.get(), kCurrentCpu, large.data(), large.size()), 0);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(call(&frame_.context, map_.get(), kCurrentCpu, large.data(), large.size()), -ENOSPC);
  }
  EXPECT_EQ(drained(0), "<" + large + "><" + large + ">");
  EXPECT_EQ(events_.ring(0)->lost_since(), 3U);
  EXPECT_EQ(call(&frame_.context, map_.get(), kCurrentCpu, "x", 1), 0);
  EXPECT_EQ(drained(0), "(3 lost)<x>");
  EXPECT_EQ(events_.ring(0)->lost_since(), 0U);
}

}  // namespace
}  // namespace sluice::helpers::testing
