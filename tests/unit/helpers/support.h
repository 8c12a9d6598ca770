#pragma once
// What the tests of helpers share. A suite is named after its helper's row in CamelCase (XdpAdjustHead tests
// xdp_adjust_head) and every test of it must really call that row's function, or it fails: completeness_test.cc
// compares the suites with the table.
#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include "helpers/table.h"
#include "vm/exec_env.h"
#include "vm/xdp.h"

namespace sluice::helpers::testing {

// "All/XdpAdjustHead" -> "xdp_adjust_head".
inline std::string row_name(std::string_view suite) {
  suite.remove_prefix(suite.rfind('/') + 1);
  std::string name;
  for (const char c : suite) {
    if (std::isupper(static_cast<unsigned char>(c)) != 0 && !name.empty()) name += '_';
    name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return name;
}

class HelperTest : public ::testing::Test {
 protected:
  const vm::HelperDesc* row() const {
    const std::string name = row_name(::testing::UnitTest::GetInstance()->current_test_info()->test_suite_name());
    const auto rows = table().rows();
    const auto found = std::ranges::find(rows, std::string_view(name), &vm::HelperDesc::name);
    return found == rows.end() ? nullptr : &*found;
  }

  // r0 of the helper this suite is named after. Arguments that are not given hold what a program may have left there.
  template <typename... Args>
  std::int64_t call(Args... args) {
    std::array<std::uint64_t, 5> r;
    r.fill(0xdead'beef'0bad'f00d);
    std::size_t next = 0;
    ((r[next++] = number(args)), ...);
    ++calls_;
    return static_cast<std::int64_t>(row()->fn(r[0], r[1], r[2], r[3], r[4], env_));
  }

  void SetUp() override { ASSERT_NE(row(), nullptr) << "this suite is not named after a row of the table"; }
  void TearDown() override { EXPECT_GT(calls_, 0U) << "this test did not call the helper it is named after"; }

  vm::ExecEnv env_;
  unsigned calls_ = 0;

 private:
  template <typename T>
  static std::uint64_t number(T value) {
    if constexpr (std::is_null_pointer_v<T>) {
      return 0;
    } else if constexpr (std::is_pointer_v<T>) {
      return reinterpret_cast<std::uint64_t>(value);
    } else {
      return static_cast<std::uint64_t>(static_cast<std::int64_t>(value));
    }
  }
};

enum class Model : std::uint8_t { kLinux, kNative };

// A frame whose memory is heap blocks of just its size, filled with bytes that tell where they were.
class Frame {
 public:
  Frame(Model model, std::size_t size, std::size_t frag = 0)
      : linear_(headroom(model) + room(model)), frag_((frag + 4095) / 4096 * 4096) {
    for (std::size_t i = 0; i < linear_.size(); ++i) linear_[i] = static_cast<std::byte>(i * 7 + 1);
    for (std::size_t i = 0; i < frag_.size(); ++i) frag_[i] = static_cast<std::byte>(i * 11 + 3);
    context.hard_start = linear_.data();
    context.data = context.data_meta = linear_.data() + headroom(model);
    context.data_end = context.data + size;
    context.frame_end = linear_.data() + linear_.size();
    if (frag == 0) return;
    context.frag = frag_.data();
    context.frag_len = static_cast<std::uint32_t>(frag);
    context.frag_room = static_cast<std::uint32_t>(frag_.size());
  }

  static std::size_t headroom(Model model) { return model == Model::kLinux ? 216 : 256; }
  static std::size_t room(Model model) { return model == Model::kLinux ? 3520 : 9216; }

  // The frame, fragment included.
  [[nodiscard]] std::vector<std::byte> bytes() const {
    std::vector<std::byte> all(context.data, context.data_end);
    all.insert(all.end(), context.frag, context.frag + context.frag_len);
    return all;
  }
  [[nodiscard]] std::ptrdiff_t size() const { return context.data_end - context.data; }
  [[nodiscard]] std::ptrdiff_t meta() const { return context.data - context.data_meta; }
  // All that a helper could have changed.
  [[nodiscard]] std::vector<std::byte> everything() const {
    std::vector<std::byte> all = linear_;
    all.insert(all.end(), frag_.begin(), frag_.end());
    const auto* const raw = reinterpret_cast<const std::byte*>(&context);
    all.insert(all.end(), raw, raw + sizeof context);
    return all;
  }

  vm::XdpContext context;

 private:
  std::vector<std::byte> linear_, frag_;
};

}  // namespace sluice::helpers::testing
