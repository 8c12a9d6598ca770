#include "dataplane/config/include.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include <fmt/format.h>

#include "dataplane/config/builder.h"
#include "dataplane/config/merge.h"
#include "dataplane/config/reader.h"

namespace sluice::config {
namespace {

class Loader {
 public:
  Loader(const Environment& environment, Sources& sources, Diagnostics& diagnostics)
      : environment_(environment), sources_(sources), diagnostics_(diagnostics) {}

  // `from` is where `path` is named; null for the file given by the user.
  std::optional<Value> read(const std::string& path, const Mark* from);
  std::optional<Value> read_with_includes(const std::string& path, const Mark* from);

 private:
  void error(const Mark& mark, std::string code, std::string message) {
    diagnostics_.add(sources_.at(mark, std::move(code), std::move(message)));
  }
  bool may_enter(const std::string& identity, const std::string& path, const Mark& from);
  std::optional<Value> merged(const std::string& path, Value tree);
  void check_version(const std::string& path, const Value& tree);

  struct Entered {
    std::string identity;  // the same for two names of one file
    std::string path;
  };
  const Environment& environment_;
  Sources& sources_;
  Diagnostics& diagnostics_;
  Budget budget_;
  std::vector<Entered> chain_;
  unsigned files_ = 0;
};

std::string identity_of(const std::string& path) {
  std::error_code ignored;
  const std::filesystem::path canonical = std::filesystem::weakly_canonical(path, ignored);
  return ignored ? path : canonical.string();
}

std::optional<Value> Loader::read(const std::string& path, const Mark* from) {
  std::string why;
  unsigned line = 0;
  std::optional<std::string> text = read_text(path, why, line);
  if (!text) {
    if (from != nullptr && line == 0) {
      error(*from, "config-file", fmt::format("included file {}: {}", path, why));
    } else {
      error({.file = path, .line = line}, "config-file", why);
    }
    return std::nullopt;
  }
  sources_.add(path, *text);
  return parse_yaml(*text, path, sources_, budget_, diagnostics_);
}

bool Loader::may_enter(const std::string& identity, const std::string& path, const Mark& from) {
  const auto first = std::ranges::find(chain_, identity, &Entered::identity);
  if (first != chain_.end()) {
    std::string chain;
    for (auto at = first; at != chain_.end(); ++at) chain += at->path + " -> ";
    error(from, "config-include", fmt::format("includes itself: {}{}", chain, path));
    return false;
  }
  if (chain_.size() >= kDeepestInclude) {
    error(from, "config-include", fmt::format("files included more than {} levels deep", kDeepestInclude));
    return false;
  }
  if (files_ >= kMostIncludes) {
    if (files_++ == kMostIncludes) {
      error(from, "config-include", fmt::format("more than {} files are included", kMostIncludes));
    }
    return false;
  }
  return true;
}

// The schema's row checks the version of the whole; this is for the files below.
void Loader::check_version(const std::string& path, const Value& tree) {
  if (tree.find("version") == nullptr) {
    error({.file = path}, "config-missing", "key 'version' is missing; expected 1");
  }
}

std::optional<Value> Loader::read_with_includes(const std::string& path, const Mark* from) {
  const std::string identity = identity_of(path);
  if (from != nullptr && !may_enter(identity, path, *from)) return std::nullopt;
  ++files_;
  std::optional<Value> tree = read(path, from);
  if (!tree) return std::nullopt;
  if (tree->kind != Value::Kind::kMapping) {
    error(tree->mark, "config-type", fmt::format("expected a mapping, got {}", describe(*tree)));
    return std::nullopt;
  }
  if (from != nullptr) check_version(path, *tree);
  chain_.push_back({identity, path});
  std::optional<Value> out = merged(path, std::move(*tree));
  chain_.pop_back();
  return out;
}

std::optional<Value> Loader::merged(const std::string& path, Value tree) {
  const Value* include = tree.find("include");
  if (include == nullptr) return tree;
  if (include->kind != Value::Kind::kSequence) {
    error(include->mark, "config-type", fmt::format("include: expected a list, got {}", describe(*include)));
    return std::nullopt;
  }
  Value base;
  base.kind = Value::Kind::kMapping;
  bool complete = true;
  for (const Value& item : include->items) {
    std::string why;
    std::optional<std::string> name = text(item, why);
    if (name) name = substitute(*name, environment_, why);
    if (!name || name->empty() || name->find('\0') != std::string::npos) {
      error(item.mark, "config-type", fmt::format("include: {}", name ? "expected the name of a file" : why));
      complete = false;
      continue;
    }
    std::optional<Value> below = read_with_includes(relative_to(path, *name), &item.mark);
    complete = complete && below.has_value();
    if (below) merge(base, std::move(*below));
  }
  if (!complete) return std::nullopt;
  merge(base, std::move(tree));
  return base;
}

}  // namespace

std::optional<Value> load_tree(const std::string& path, const Environment& environment, Sources& sources,
                               Diagnostics& diagnostics) {
  return Loader(environment, sources, diagnostics).read_with_includes(path, nullptr);
}

std::optional<Value> load_file(const std::string& path, Sources& sources, Diagnostics& diagnostics) {
  const Environment none;
  return Loader(none, sources, diagnostics).read(path, nullptr);
}

}  // namespace sluice::config
