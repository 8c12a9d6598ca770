// The door: file -> tree -> structs -> names. Each step reports all it finds; a later step runs only on what is whole.
#include <filesystem>

#include <fmt/format.h>
#include <unistd.h>

#include "dataplane/config/builder.h"
#include "dataplane/config/config.h"
#include "dataplane/config/include.h"
#include "dataplane/config/merge.h"
#include "dataplane/config/reader.h"
#include "dataplane/config/resolve.h"

namespace sluice::config {
namespace {

Environment process_environment() {
  Environment out;
  for (char** at = environ; at != nullptr && *at != nullptr; ++at) {
    const std::string_view entry = *at;
    const std::size_t equals = entry.find('=');
    if (equals != std::string_view::npos) out.emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return out;
}

// A value of --set is YAML, so that lists and numbers can be given; its "file" is the option itself.
void apply(const std::pair<std::string, std::string>& set, Value& tree, Sources& sources, Diagnostics& diagnostics) {
  const auto& [path, text] = set;
  const std::string file = std::string(kSetFile) + path;
  sources.add(file, text);
  Value value;
  value.mark = {.file = file, .line = 1, .column = 1};
  if (!text.empty()) {
    Budget budget;
    std::optional<Value> parsed = parse_yaml(text, file, sources, budget, diagnostics);
    if (!parsed) return;
    value = std::move(*parsed);
  }
  std::string why;
  if (!set_at(tree, path, std::move(value), why)) {
    diagnostics.add(sources.at({.file = file}, "config-set", why));
  }
}

std::string name_from(const std::string& path) {
  std::string out;
  for (char c : std::filesystem::path(path).stem().string()) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const bool fine =
        (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || ((c == '_' || c == '.' || c == '-') && !out.empty());
    if (fine && out.size() < 63) out += c;
  }
  return out.empty() ? "sluice" : out;
}

}  // namespace

std::optional<Config> read_config(const std::string& path, const Overrides& overrides, Sources& sources,
                                  Diagnostics& diagnostics, const Environment* environment) {
  const Environment own = environment != nullptr ? Environment() : process_environment();
  const Environment& variables = environment != nullptr ? *environment : own;
  std::optional<Value> tree = load_tree(path, variables, sources, diagnostics);
  if (!tree) return std::nullopt;
  for (const auto& set : overrides.set) apply(set, *tree, sources, diagnostics);
  Config config;
  config.path = path;
  config.name = name_from(path);
  Builder builder(sources, variables, diagnostics);
  builder.object(*tree, pipeline_rows(), &config);
  resolve(config, sources, diagnostics);
  if (diagnostics.has_errors()) return std::nullopt;
  return config;
}

std::optional<Fixture> read_fixture(const std::string& path, Sources& sources, Diagnostics& diagnostics) {
  const std::optional<Value> tree = load_file(path, sources, diagnostics);
  if (!tree) return std::nullopt;
  Fixture fixture;
  const Environment variables = process_environment();
  Builder builder(sources, variables, diagnostics);
  builder.object(*tree, fixture_rows(), &fixture);
  if (diagnostics.has_errors()) return std::nullopt;
  return fixture;
}

}  // namespace sluice::config
