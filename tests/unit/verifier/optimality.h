#pragma once
// How good the operators are, as optimality.txt beside this file has it.
#include <cstdlib>
#include <fstream>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace sluice::verifier {

// The lines of optimality.txt; rewritten when asked to.
class Recorded {
 public:
  Recorded() {
    std::ifstream file(SLUICE_OPTIMALITY);
    for (std::string line; std::getline(file, line);) lines_.insert(line);
    if (std::getenv("SLUICE_REBASE") != nullptr) out_.open(SLUICE_OPTIMALITY);
  }
  void expect(const std::string& line) {
    if (out_.is_open()) {
      out_ << line << '\n';
    } else {
      EXPECT_TRUE(lines_.contains(line)) << line;
    }
  }

 private:
  std::set<std::string> lines_;
  std::ofstream out_;
};
inline Recorded& recorded() {
  static Recorded one;
  return one;
}

}  // namespace sluice::verifier
