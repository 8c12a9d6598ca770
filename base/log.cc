#include "base/log.h"

#include <array>
#include <string>

#include <unistd.h>

namespace sluice {

void Log::line(Level level, std::string_view text) const {
  if (level > level_) return;
  constexpr std::array<std::string_view, 4> kNames = {"error", "warn", "info", "debug"};
  const std::string out = fmt::format("{:<5} {}\n", kNames[static_cast<unsigned>(level)], text);
  // A log line that cannot be written has nowhere to be reported.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, out.data(), out.size());
}

}  // namespace sluice
