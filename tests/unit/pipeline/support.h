#pragma once
// Values, configurations and objects for tests of dataplane/pipeline and dataplane/replay.
#include <algorithm>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "dataplane/config/config.h"

namespace sluice::pipeline {

// A file in the test's own directory.
inline std::string write_temporary(const std::string& name, const std::string& text) {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  std::string file = std::string(test->test_suite_name()) + "_" + test->name() + "_" + name;
  std::ranges::replace(file, '/', '_');  // parameterised tests have it in their names
  const std::string path = testing::TempDir() + file;
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

// What `text` is as the value of a map entry in a configuration.
inline config::Value value_of(const std::string& text, config::Sources& sources) {
  const std::string path =
      write_temporary("value.yaml", "maps:\n  m:\n    entries:\n      - key: 0\n        value: " + text + "\n");
  Diagnostics diagnostics;
  auto fixture = config::read_fixture(path, sources, diagnostics);
  EXPECT_TRUE(fixture) << text << "\n" << diagnostics.render();
  if (!fixture || fixture->maps.empty() || fixture->maps.front().entries.empty()) return {};
  return fixture->maps.front().entries.front().value;
}

}  // namespace sluice::pipeline
