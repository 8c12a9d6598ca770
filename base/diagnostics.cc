#include "base/diagnostics.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include <fmt/format.h>

namespace sluice {
namespace {

constexpr std::size_t kLongestShownLine = 160;  // columns of a source line that are worth a terminal's width

// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(above.begin(), above.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

std::string excerpt(const Diagnostic& d) {
  if (d.line == 0 || d.source_line.empty()) return {};
  // A tab is shown as one blank so that the caret stays under its word.
  std::string text = d.source_line.substr(0, kLongestShownLine);
  std::ranges::replace(text, '\t', ' ');
  std::string out = fmt::format("{:>8} | {}\n", d.line, printable(text));
  if (d.column == 0 || d.column > text.size() + 1) return out;
  const std::size_t room = text.size() + 1 - (d.column - 1);
  const std::size_t width = std::clamp<std::size_t>(d.width, 1, std::max<std::size_t>(room, 1));
  out += fmt::format("{:>8} | {:>{}}{}\n", "", "", d.column - 1, "^" + std::string(width - 1, '~'));
  return out;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  constexpr std::size_t kLongest = 64;  // longer words are not typing mistakes, and the distance is quadratic
  if (word.empty() || word.size() > kLongest) return {};
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > kLongest) continue;
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string render(const Diagnostic& d) {
  std::string out = d.file;
  if (d.line != 0) out += fmt::format(":{}", d.line);
  if (d.line != 0 && d.column != 0) out += fmt::format(":{}", d.column);
  const std::string_view severity = d.severity == Severity::kError ? "error" : "warning";
  out += d.code.empty() ? fmt::format(": {}: ", severity) : fmt::format(": {}[{}]: ", severity, d.code);
  out += printable(d.message);
  out += '\n';
  return out + excerpt(d);
}

void Diagnostics::add(Diagnostic diagnostic) {
  if (diagnostic.severity == Severity::kError) ++errors_;
  all_.push_back(std::move(diagnostic));
}

std::string Diagnostics::render() const {
  std::vector<const Diagnostic*> sorted;
  sorted.reserve(all_.size());
  for (const Diagnostic& d : all_) sorted.push_back(&d);
  std::ranges::stable_sort(sorted, {}, [](const Diagnostic* d) {
    return std::tuple<std::string_view, unsigned, unsigned>(d->file, d->line, d->column);
  });
  std::string out;
  for (const Diagnostic* d : sorted) out += sluice::render(*d);
  return out;
}

}  // namespace sluice
