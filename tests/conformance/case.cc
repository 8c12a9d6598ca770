#include "tests/conformance/case.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

namespace sluice::testing_support {
namespace {

constexpr std::string_view kDirectory = SLUICE_CONFORMANCE_DIR;

[[noreturn]] void stop(const std::string& name, const std::string& why) {
  std::fprintf(stderr, "%s.data: %s\n", name.c_str(), why.c_str());
  std::abort();
}

std::map<std::string, std::string> read_sections(const std::string& name) {
  std::ifstream file(std::filesystem::path(kDirectory) / (name + ".data"));
  if (!file) stop(name, "cannot be read");
  std::map<std::string, std::string> sections;
  std::string* section = nullptr;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("-- ")) {
      section = &sections[line.substr(3)];
    } else if (section != nullptr) {
      *section += line + "\n";
    } else if (!line.starts_with('#')) {
      stop(name, "starts with neither a comment nor a section");
    }
  }
  return sections;
}

std::string write_out_repeats(const std::string& text) {
  std::string out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string first;
    std::size_t count = 1;
    words >> first;
    if (first == ".repeat") {
      words >> count;
      std::getline(words, line);
    }
    for (std::size_t i = 0; i < count; ++i) out += line + "\n";
  }
  return out;
}

}  // namespace

std::vector<std::string> conformance_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kDirectory)) {
    if (entry.path().extension() == ".data") names.push_back(entry.path().stem().string());
  }
  std::ranges::sort(names);
  return names;
}

ConformanceCase read_conformance(const std::string& name) {
  auto sections = read_sections(name);
  ConformanceCase data;
  data.text = write_out_repeats(sections["asm"]);
  data.memory = from_hex(sections["mem"]);
  std::istringstream maps(sections["maps"]);
  for (std::string line; std::getline(maps, line);) data.maps.push_back(line);
  data.error = sections["error"].substr(0, sections["error"].find('\n'));
  if (const std::string& result = sections["result"]; !result.empty()) data.result = std::stoull(result, nullptr, 0);
  if (data.text.empty() || data.result.has_value() == !data.error.empty())
    stop(name, "needs asm and a result or an error");
  return data;
}

Maps make_maps(const ConformanceCase& data) {
  Maps maps;
  for (const std::string& line : data.maps) {
    std::istringstream words(line);
    std::string kind;
    std::uint32_t value_size = 0;
    std::uint32_t entries = 0;
    words >> kind >> value_size >> entries;
    if (kind != "array" || value_size == 0 || entries == 0) stop("maps", "'" + line + "' declares no map");
    auto map = std::make_shared<TestArray>(value_size, entries);
    std::string hex;
    for (std::uint32_t key = 0; words >> hex; ++key) {
      std::vector<std::byte> value = from_hex(hex);
      value.resize(value_size);
      map->write(reinterpret_cast<const std::byte*>(&key), value.data(), vm::UpdateMode::kAny);
    }
    maps.push_back(std::move(map));
  }
  return maps;
}

}  // namespace sluice::testing_support
