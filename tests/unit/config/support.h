#pragma once
// What the tests of the configuration share: a directory of files that vanishes, and reading as one call.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include <unistd.h>

#include "dataplane/config/config.h"

namespace sluice::config {

inline std::filesystem::path tests_directory() {
  const char* directory = std::getenv("SLUICE_TESTS");
  return directory != nullptr ? directory : "tests";
}

inline std::string contents(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "sluice-config-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }

  [[nodiscard]] std::string path(const std::string& name) const { return (path_ / name).string(); }
  std::string write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << text;
    return path(name);
  }

 private:
  std::filesystem::path path_;
};

// What reading gave: the config, or nothing and the mistakes as the user sees them.
struct Read {
  std::optional<Config> config;
  Sources sources;
  Diagnostics diagnostics;
  [[nodiscard]] std::string text() const { return diagnostics.render(); }
};

inline Read read_file(const std::string& path, const std::vector<std::pair<std::string, std::string>>& set = {},
                      const std::map<std::string, std::string>& environment = {}) {
  Read out;
  out.config = read_config(path, {set}, out.sources, out.diagnostics, &environment);
  return out;
}

inline Read read_string(const std::string& text, const std::vector<std::pair<std::string, std::string>>& set = {},
                        const std::map<std::string, std::string>& environment = {}) {
  const TemporaryDirectory directory;
  return read_file(directory.write("pipeline.yaml", text), set, environment);
}

}  // namespace sluice::config
