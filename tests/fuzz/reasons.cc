#include "tests/fuzz/reasons.h"

namespace sluice::fuzz {
namespace {

struct Row {
  std::string_view words;  // part of the kernel's log
  std::string_view row;    // beginning of the row in docs/differences.md
};

struct OwnRow {
  std::string_view code, words, row;
};

constexpr Row kAccepted[] = {
    {"invalid unbounded variable-offset", "bounds of remainders"},
};

constexpr OwnRow kRefused[] = {
    {"ptr-leak", "", "storing a pointer into a packet or map value"},
};

}  // namespace

std::string_view reason_to_accept(std::string_view kernel_log) {
  for (const Row& row : kAccepted) {
    if (kernel_log.find(row.words) != std::string_view::npos) return row.row;
  }
  return {};
}

std::string_view reason_to_refuse(std::string_view code, std::string_view message) {
  for (const OwnRow& row : kRefused) {
    if (row.code == code && message.find(row.words) != std::string_view::npos) return row.row;
  }
  return {};
}

}  // namespace sluice::fuzz
