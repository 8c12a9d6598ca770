#pragma once
// Where the cases of tests/diagnostics lie.
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::testing_support {

std::string read_text(const std::string& path);
// Names of all cases, ascending.
std::vector<std::string> diagnostic_cases();
// The object made of NAME.bpf.c, or of NAME with its fix: "NAME.fixed".
std::string diagnostic_object(const std::string& name);
// What the comment line `// LABEL: ..` in front of a case says; may be empty.
std::string diagnostic_remark(const std::string& name, const std::string& label);
std::string diagnostic_test_name(const testing::TestParamInfo<std::string>& info);

}  // namespace sluice::testing_support
