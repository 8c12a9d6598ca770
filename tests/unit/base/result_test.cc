#include "base/result.h"

#include <memory>

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(Result, HoldsAMoveOnlyValue) {
  Result<std::unique_ptr<int>> r(std::make_unique<int>(7));
  ASSERT_TRUE(r);
  EXPECT_EQ(*std::move(r).value(), 7);
}

TEST(Result, ErrorSaysWhatWasBeingDone) {
  Result<int> r(Error{ErrorCode::kProgram, "not an ELF file"});
  ASSERT_FALSE(r);
  const Error error = std::move(r).error().in("load a.o");
  EXPECT_EQ(error.message, "load a.o: not an ELF file");
  EXPECT_EQ(error.code, ErrorCode::kProgram);
}

TEST(Result, OfVoidIsSuccessByDefault) {
  EXPECT_TRUE(Result<void>());
  EXPECT_FALSE(Result<void>(Error{ErrorCode::kUsage, "x"}));
}

}  // namespace
}  // namespace sluice
