#include "dataplane/replay/merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/replay/captures.h"

namespace sluice::replay {
namespace {

using testing::ElementsAre;

TEST(Merge, TakesTheEarliestAndTheFirstFileOnTies) {
  std::vector<std::unique_ptr<Reader>> readers;
  const std::string one =
      pcap_header().text() + pcap_record(1, 0, "a") + pcap_record(3, 0, "b") + pcap_record(2, 0, "c");
  const std::string two =
      pcap_header().text() + pcap_record(1, 0, "d") + pcap_record(2, 0, "e") + pcap_record(9, 0, "f");
  readers.push_back(std::move(*open_capture(write_capture(one, "1"))));
  readers.push_back(std::move(*open_capture(write_capture(two, "2"))));
  Merge merge(std::move(readers));
  std::vector<std::string> seen;
  Record record;
  std::size_t source = 0;
  while (merge.next(record, source)) {
    seen.push_back(std::string(1, static_cast<char>(record.bytes[0])) + std::to_string(source));
  }
  // The file that runs backwards (b at 3, c at 2) keeps its own order.
  EXPECT_THAT(seen, ElementsAre("a0", "d1", "e1", "b0", "c0", "f1"));
  EXPECT_EQ(merge.delivered(0), 3U);
  EXPECT_EQ(merge.readers(), 2U);
  EXPECT_FALSE(merge.reader(1).damage());
}

TEST(Merge, NothingInNothingOut) {
  Merge merge({});
  Record record;
  std::size_t source = 0;
  EXPECT_FALSE(merge.next(record, source));
}

}  // namespace
}  // namespace sluice::replay
