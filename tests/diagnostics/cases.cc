#include "tests/diagnostics/cases.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace sluice::testing_support {

std::string read_text(const std::string& path) {
  const std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> diagnostic_cases() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(SLUICE_DIAGNOSTICS_DIR)) {
    const std::string name = entry.path().filename();
    if (name.ends_with(".bpf.c")) names.push_back(name.substr(0, name.find('.')));
  }
  std::ranges::sort(names);
  return names;
}

std::string diagnostic_object(const std::string& name) {
  return std::string(SLUICE_DIAGNOSTICS_OBJECTS) + "/" + name + ".o";
}

std::string diagnostic_remark(const std::string& name, const std::string& label) {
  std::istringstream lines(read_text(std::string(SLUICE_DIAGNOSTICS_DIR) + "/" + name + ".bpf.c"));
  const std::string start = "// " + label + ": ";
  for (std::string line; std::getline(lines, line) && line.starts_with("// ");) {
    if (line.starts_with(start)) return line.substr(start.size());
  }
  return {};
}

std::string diagnostic_test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::ranges::replace(name, '-', '_');
  return name;
}

}  // namespace sluice::testing_support
