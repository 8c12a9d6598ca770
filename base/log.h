#pragma once
// One log line a call on standard error: `level message key=value`. Control path only: workers count, they do not log.
// Any thread; a line is written with one write. Tests and the CLI set the level through Log.
#include <string_view>

#include <fmt/format.h>

namespace sluice {

class Log {
 public:
  enum class Level : unsigned char { kError, kWarn, kInfo, kDebug };

  explicit Log(Level level = Level::kInfo) : level_(level) {}
  template <typename... Args>
  void error(fmt::format_string<Args...> text, Args&&... args) const {
    line(Level::kError, fmt::format(text, std::forward<Args>(args)...));
  }
  template <typename... Args>
  void warn(fmt::format_string<Args...> text, Args&&... args) const {
    line(Level::kWarn, fmt::format(text, std::forward<Args>(args)...));
  }
  template <typename... Args>
  void info(fmt::format_string<Args...> text, Args&&... args) const {
    line(Level::kInfo, fmt::format(text, std::forward<Args>(args)...));
  }

 private:
  void line(Level level, std::string_view text) const;
  Level level_;
};

}  // namespace sluice
