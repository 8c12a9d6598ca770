#pragma once
// From a tree of Values to plain structs, driven by tables of rows (schema.h): each problem becomes a diagnostic with
// its place and its path in the file ("ports.wan0.mtu"), and reading goes on. One thread, one config.
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostics.h"
#include "dataplane/config/config.h"
#include "dataplane/config/scalar.h"
#include "dataplane/config/schema.h"

namespace sluice::config {

constexpr unsigned kMostMistakes = 100;          // reported of one config
constexpr std::string_view kSetFile = "--set ";  // Mark::file of values given by --set starts with it

class Builder {
 public:
  // All three must outlive the Builder.
  Builder(const Sources& sources, const Environment& environment, Diagnostics& diagnostics)
      : sources_(sources), environment_(environment), diagnostics_(diagnostics) {}

  // Reports at `mark`, with the path in front. Beyond kMostMistakes only the count goes on.
  void error(const Mark& mark, std::string code, const std::string& message);

  // A mapping whose keys are those of `rows`; each value goes to its row's `store` with `target`.
  void object(const Value& value, std::span<const Row> rows, void* target);
  // A mapping from names to anything: calls `each` with the path extended by the name.
  void named(const Value& value, const std::function<void(const Text& name, const Value& item)>& each);
  // A list: calls `each` with the path extended by the index.
  void list(const Value& value, const std::function<void(const Value& item)>& each);

  // The leaf kinds; nothing and a diagnostic when the value is not what `shape` allows. Variables are replaced.
  std::optional<Text> text(const Value& value, const Shape& shape);
  std::optional<std::uint64_t> number(const Value& value, const Shape& shape);
  std::optional<bool> boolean(const Value& value);
  std::optional<std::size_t> choice(const Value& value, const Shape& shape);  // index into shape.choices
  // A path, relative to the file it stands in (to the working directory for --set).
  std::optional<Text> path(const Value& value, const Shape& shape);
  // A copy whose scalars have their variables replaced, for values that BTF reads later.
  Value opaque(const Value& value);
  // The text of a mapping's key; keys that are no scalars are reported.
  std::optional<Text> key(const Value& value);

 private:
  bool substituted(const Value& value, std::string& text);

  const Sources& sources_;
  const Environment& environment_;
  Diagnostics& diagnostics_;
  std::vector<std::string> path_;
};

// "; did you mean 'x'?", or nothing when no candidate is near.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);
// `name` seen from the directory of `file`; unchanged when absolute or when `file` is a --set.
std::string relative_to(const std::string& file, const std::string& name);

}  // namespace sluice::config
