// The running kernel refuses every case as well, and takes it with the fix; both by libbpf from the object.
#include <gtest/gtest.h>

#include "dataplane/kernel/peer.h"
#include "tests/diagnostics/cases.h"

namespace sluice::kernel {
namespace {

using testing_support::diagnostic_cases;
using testing_support::diagnostic_object;
using testing_support::diagnostic_remark;
using testing_support::diagnostic_test_name;

Verdict kernel_verdict(const std::string& name) {
  auto object = Object::open(diagnostic_object(name));
  if (!object) return {.log = object.error().message};
  return object->load();
}

class DiagnosticInKernel : public testing::TestWithParam<std::string> {};

TEST_P(DiagnosticInKernel, IsRefusedAndTakenOnceFixed) {
  if (const std::string why = unavailable(); !why.empty()) GTEST_SKIP() << why;
  const Verdict broken = kernel_verdict(GetParam());
  const std::string expected = diagnostic_remark(GetParam(), "kernel");
  if (expected.starts_with("accepts, because ")) {
    EXPECT_TRUE(broken.accepted) << broken.log;
  } else {
    EXPECT_EQ(expected, "") << "not understood";
    EXPECT_FALSE(broken.accepted) << "the kernel takes it; the case must say why";
  }
  const Verdict fixed = kernel_verdict(GetParam() + ".fixed");
  EXPECT_TRUE(fixed.accepted) << fixed.log;
}

INSTANTIATE_TEST_SUITE_P(Cases, DiagnosticInKernel, testing::ValuesIn(diagnostic_cases()), diagnostic_test_name);

}  // namespace
}  // namespace sluice::kernel
