// Every input of the kept corpora (tests/fuzz/corpus) once more: what libFuzzer found worth keeping must go on passing.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include <gtest/gtest.h>

#include "tests/fuzz/libfuzzer/oracle.h"

namespace sluice::fuzz {
namespace {

std::size_t replay(const std::string& folder, void (*target)(std::span<const std::uint8_t>)) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(SLUICE_FUZZ_CORPUS) + "/" + folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    target({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    ++count;
  }
  return count;
}

TEST(FuzzCorpus, OfRawBytesIsJudgedAndRunsWithoutAFault) { EXPECT_GE(replay("raw", fuzz_raw), 20U); }
TEST(FuzzCorpus, OfStructuredProgramsIsJudgedAndRunsWithoutAFault) {
  EXPECT_GE(replay("structured", fuzz_structured), 20U);
}

}  // namespace
}  // namespace sluice::fuzz
