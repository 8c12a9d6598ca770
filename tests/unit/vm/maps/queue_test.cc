// QUEUE and STACK against a std::deque and the running kernel.
#include <cerrno>
#include <deque>

#include <gtest/gtest.h>

#include "tests/support/bpf_syscall.h"
#include "tests/unit/vm/maps/cases.h"

namespace sluice::vm::testing {
namespace {

using testing_support::KernelMap;

class QueueOracle {
 public:
  explicit QueueOracle(const MapSpec& spec) : spec_(spec) {}
  int push(const Bytes& value, std::uint64_t mode) {
    if (mode != 0 && mode != 2) return -EINVAL;
    if (values_.size() == spec_.max_entries) {
      if (mode == 0) return -E2BIG;
      values_.pop_front();
    }
    values_.push_back(value);
    return 0;
  }
  int take(Bytes& value, bool leaves) {
    value.assign(spec_.value_size, std::byte{0});
    if (values_.empty()) return -ENOENT;
    const bool stack = spec_.type == MapType::kStack;
    value = stack ? values_.back() : values_.front();
    if (leaves && stack) values_.pop_back();
    if (leaves && !stack) values_.pop_front();
    return 0;
  }

 private:
  const MapSpec& spec_;
  std::deque<Bytes> values_;
};

class QueueContract : public ::testing::TestWithParam<Case> {
 protected:
  Bytes value() { return GetParam().value(random_, GetParam().spec.value_size); }
  // Bytes that no take leaves behind.
  [[nodiscard]] Bytes out() const { return Bytes(GetParam().spec.value_size, std::byte{0xee}); }

  Random random_{9};
  std::unique_ptr<Map> map_ = make(GetParam());
  Queue& queue_ = dynamic_cast<Queue&>(*map_);
};

TEST_P(QueueContract, RandomOperationsAnswerAsTheOracle) {
  QueueOracle oracle(GetParam().spec);
  for (int turn = 0; turn < 20'000; ++turn) {
    Bytes expected;
    Bytes got = out();
    const unsigned share = turn / 1000 % 2 == 0 ? 3 : 6;  // of ten: phases that fill and phases that drain
    if (random_() % 10 >= share) {
      const Bytes v = value();
      const std::uint64_t mode = random_() % 3 == 0 ? random_() % 5 : 0;
      ASSERT_EQ(queue_.push(v.data(), static_cast<UpdateMode>(mode)), oracle.push(v, mode)) << turn << ' ' << mode;
    } else {
      ASSERT_EQ(queue_.pop(got.data()), oracle.take(expected, true)) << turn;
      ASSERT_EQ(got, expected);
    }
    ASSERT_EQ(queue_.peek(got.data()), oracle.take(expected, false)) << turn;
    ASSERT_EQ(got, expected);
  }
}

TEST_P(QueueContract, RandomOperationsAnswerAsTheKernelDoes) {
  SLUICE_NEEDS_BPF();
  const MapSpec& spec = GetParam().spec;
  const KernelMap kernel(static_cast<std::uint32_t>(spec.type), 0, spec.value_size, spec.max_entries, spec.flags);
  ASSERT_GE(kernel.fd(), 0);
  const std::uint64_t turns = environment("SLUICE_MAP_OPERATIONS", 4'000);
  for (std::uint64_t turn = 0; turn < turns; ++turn) {
    Bytes ours = out();
    Bytes theirs = out();
    const unsigned share = turn / 200 % 2 == 0 ? 3 : 6;
    int error = 0;
    if (random_() % 10 >= share) {
      const Bytes v = value();
      const std::uint64_t mode = random_() % 3 == 0 ? random_() % 5 : 0;
      ASSERT_EQ(map_->write(nullptr, v.data(), static_cast<UpdateMode>(mode)), kernel.update(nullptr, v.data(), mode));
    } else {
      error = queue_.pop(ours.data());
      ASSERT_EQ(error, kernel.take(nullptr, theirs.data())) << turn;
      if (error != 0) theirs = ours;  // bpf(2) copies nothing out of an empty one
      ASSERT_EQ(ours, theirs) << turn;
    }
    error = map_->read(nullptr, ours.data());
    ASSERT_EQ(error, kernel.lookup(nullptr, theirs.data())) << turn;
    if (error != 0) theirs = ours;
    ASSERT_EQ(ours, theirs) << turn;
  }
  EXPECT_EQ(map_->erase(nullptr), kernel.erase(nullptr));
}

TEST_P(QueueContract, HasNoKeys) {
  const Bytes v = value();
  ASSERT_EQ(queue_.push(v.data(), UpdateMode::kAny), 0);
  EXPECT_FALSE(map_->next_key(nullptr, nullptr));
  EXPECT_EQ(map_->lookup(nullptr, 0), nullptr);
  EXPECT_EQ(map_->update(nullptr, v.data(), UpdateMode::kAny, 0), -EINVAL);
  EXPECT_EQ(map_->erase(nullptr), -EINVAL);
  EXPECT_EQ(map_->transfer_size(), GetParam().spec.value_size);
}

TEST_P(QueueContract, AFrozenMapOnlyShowsItsNextValue) {
  const Bytes v = value();
  ASSERT_EQ(queue_.push(v.data(), UpdateMode::kAny), 0);
  map_->freeze();
  Bytes got = out();
  EXPECT_EQ(queue_.push(v.data(), UpdateMode::kAny), -EPERM);
  EXPECT_EQ(map_->write(nullptr, v.data(), UpdateMode::kAny), -EPERM);
  EXPECT_EQ(queue_.pop(got.data()), -EPERM);
  EXPECT_EQ(queue_.peek(got.data()), 0);
  EXPECT_EQ(got, v);
}

INSTANTIATE_TEST_SUITE_P(All, QueueContract, ::testing::ValuesIn(queue_cases()),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace sluice::vm::testing
