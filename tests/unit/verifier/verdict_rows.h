#pragma once
// Small programs with the verdict each must get: one idea a program. Rows without a remark get the same verdict from
// Linux 6.18. verdict_test.cc runs them all.
#include <span>

namespace sluice::verifier::testing {

struct VerdictRow {
  const char* name;
  const char* expected;  // "accepted" or the code
  const char* text;
};

// By topic, a file each: verdict_rows_TOPIC.cc.
std::span<const VerdictRow> basics_rows();
std::span<const VerdictRow> packet_rows();
std::span<const VerdictRow> stack_rows();
std::span<const VerdictRow> maps_rows();
std::span<const VerdictRow> flow_rows();

}  // namespace sluice::verifier::testing
