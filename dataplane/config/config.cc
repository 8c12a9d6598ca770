#include "dataplane/config/config.h"

#include <algorithm>

namespace sluice::config {
namespace {

template <typename T>
const T* named(const std::vector<T>& all, std::string_view name) noexcept {
  const auto found = std::ranges::find_if(all, [&](const T& one) { return one.name.value == name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

const Value* Value::find(std::string_view name) const noexcept {
  for (const auto& [key, value] : fields) {
    if (key.kind == Kind::kScalar && key.scalar == name) return &value;
  }
  return nullptr;
}

const Port* Config::port(std::string_view wanted) const noexcept { return named(ports, wanted); }
const Program* Config::program(std::string_view wanted) const noexcept { return named(programs, wanted); }
const Pipeline* Config::pipeline(std::string_view wanted) const noexcept { return named(pipelines, wanted); }
const Map* Config::map(std::string_view wanted) const noexcept { return named(maps, wanted); }

void Sources::add(std::string file, std::string text) {
  File added{.text = std::move(text), .starts = {}};
  for (std::size_t at = 0; at < added.text.size();) {
    added.starts.push_back(static_cast<std::uint32_t>(at));
    at = std::min(added.text.find('\n', at), added.text.size()) + 1;
  }
  files_[std::move(file)] = std::move(added);
}

std::string_view Sources::line(const std::string& file, unsigned number) const {
  const auto found = files_.find(file);
  if (found == files_.end() || number == 0 || number > found->second.starts.size()) return {};
  const std::string_view text = found->second.text;
  std::string_view line = text.substr(found->second.starts[number - 1]);
  line = line.substr(0, line.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

Diagnostic Sources::at(const Mark& mark, std::string code, std::string message) const {
  constexpr std::size_t kKept = 1024;  // bytes: more than rendering shows; a hostile line may have megabytes
  return {.file = mark.file,
          .line = mark.line,
          .column = mark.column,
          .width = std::max(mark.width, 1U),
          .code = std::move(code),
          .message = std::move(message),
          .source_line = std::string(line(mark.file, mark.line).substr(0, kKept))};
}

}  // namespace sluice::config
