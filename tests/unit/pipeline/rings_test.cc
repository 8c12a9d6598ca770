#include "dataplane/pipeline/rings.h"

#include <cerrno>
#include <cstring>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/pipeline/loading.h"
#include "vm/maps/perf_event_array.h"
#include "vm/maps/ringbuf.h"

namespace sluice::pipeline {
namespace {

using testing::ElementsAre;

std::shared_ptr<vm::Map> map_of(vm::MapType type, std::uint32_t entries, unsigned cpus = 2) {
  const bool keyed = type != vm::MapType::kRingbuf;
  auto made = vm::make_map(
      {.name = "m", .type = type, .key_size = keyed ? 4U : 0U, .value_size = keyed ? 4U : 0U, .max_entries = entries},
      cpus);
  if (!made) {
    ADD_FAILURE() << made.error().message;
    return nullptr;
  }
  return std::move(*made);
}

class Rings : public testing::Test {
 protected:
  int write_event(const std::string& text, unsigned cpu = 0, std::uint32_t of_frame = 0) {
    auto& array = dynamic_cast<vm::PerfEventArray&>(*maps_[0]);
    const auto room = array.reserve(cpu, cpu, text.size(), of_frame);
    if (room.to == nullptr) return room.error;
    std::memcpy(room.to, text.data(), text.size());
    room.ring->commit();
    return 0;
  }
  vm::Ringbuf& buffer() { return dynamic_cast<vm::Ringbuf&>(*maps_[2]); }
  int write_log(const std::string& text) { return buffer().output(std::as_bytes(std::span(text))); }
  std::unique_ptr<RingReader> open(RingReader::Options options) {
    auto reader = RingReader::open(maps_, options);
    EXPECT_TRUE(reader);
    return reader ? std::move(*reader) : nullptr;
  }
  // "MAP.CPU:BYTES|OF_FRAME" of each.
  static std::vector<std::string> shown(const RingBatch& batch) {
    std::vector<std::string> all;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const RingRecord r = batch.record(i);
      all.push_back(std::to_string(r.map) + (r.cpu ? "." + std::to_string(*r.cpu) : "") + ":" +
                    std::string(reinterpret_cast<const char*>(r.bytes.data()), r.bytes.size()) + "|" +
                    std::to_string(r.of_frame));
    }
    return all;
  }

  std::vector<std::shared_ptr<vm::Map>> maps_ = {map_of(vm::MapType::kPerfEventArray, 2),
                                                 map_of(vm::MapType::kArray, 1), map_of(vm::MapType::kRingbuf, 4096),
                                                 nullptr};
};

TEST_F(Rings, ProgramsSeeNoReaderUntilThereIsOne) {
  EXPECT_EQ(write_event("early"), -ENOENT);
  const auto reader = open({});
  EXPECT_EQ(write_event("now"), 0);
  EXPECT_FALSE(reader->empty());
  const std::shared_ptr<vm::Map> none[] = {maps_[1], nullptr};
  EXPECT_TRUE((*RingReader::open(none, {}))->empty());
}

TEST_F(Rings, RecordsOfAllRingsComeInTheOrderTheyWereBegun) {
  const auto reader = open({.ordered = true});
  RingBatch batch;
  for (unsigned round = 0; round < 3; ++round) {
    std::byte* const begun = buffer().reserve(5);
    ASSERT_NE(begun, nullptr);
    write_event("two", 1, 2);
    write_log("three");
    write_event("four", 0);
    std::memcpy(begun, "first", 5);
    vm::Ringbuf::submit(begun);
    write_event("five", 1);
    reader->take(batch);
    EXPECT_THAT(shown(batch), ElementsAre("2:first|0", "0.1:two|2", "2:three|0", "0.0:four|0", "0.1:five|0"));
  }
  reader->take(batch);
  EXPECT_EQ(batch.size(), 0U);
  const std::vector<RingCounters> expected = {{.map = 0, .records = 9, .bytes = 33},
                                              {.map = 2, .records = 6, .bytes = 30}};
  EXPECT_EQ(reader->counters(), expected);
}

TEST_F(Rings, WhatFindsNoRoomIsCountedOnce) {
  const auto reader = open({.perf_bytes = 4096});
  const std::string kilobyte(1000, 'k');
  int failed = 0;
  for (unsigned i = 0; i < 6; ++i) failed += write_event(kilobyte) == -ENOSPC ? 1 : 0;
  for (unsigned i = 0; i < 7; ++i) failed += write_log(kilobyte) == -EAGAIN ? 1 : 0;
  EXPECT_EQ(failed, 2 + 3);
  const auto lost = [&] {
    std::vector<std::uint64_t> all;
    for (const RingCounters& ring : reader->counters()) all.push_back(ring.lost);
    return all;
  };
  EXPECT_THAT(lost(), ElementsAre(2, 3));  // told of by no record yet
  reader->drain();
  EXPECT_EQ(write_event("after"), 0);
  reader->drain();
  EXPECT_THAT(lost(), ElementsAre(2, 3));  // told of by the record in between
  EXPECT_EQ(reader->counters()[0].records, 5U);
  EXPECT_EQ(reader->counters()[1].records, 4U);
  EXPECT_EQ(write_log(std::string(5000, 'l')), -EAGAIN);
  EXPECT_THAT(lost(), ElementsAre(2, 4));  // longer than the ring
}

TEST_F(Rings, BatchesAreComparedToTheByte) {
  RingBatch a, b;
  const std::string text = "text", other = "tent";
  const RingRecord record{.map = 1, .cpu = 0, .bytes = std::as_bytes(std::span(text)), .of_frame = 2};
  for (RingBatch* batch : {&a, &b}) {
    batch->add(record, 1);
    batch->add(record, 0);
  }
  EXPECT_FALSE(a.first_difference(b));
  b.add(record, 2);
  EXPECT_EQ(a.first_difference(b), 2U);
  for (const auto& change : {RingRecord{.map = 2, .cpu = 0, .bytes = record.bytes, .of_frame = 2},
                             RingRecord{.map = 1, .cpu = {}, .bytes = record.bytes, .of_frame = 2},
                             RingRecord{.map = 1, .cpu = 0, .bytes = record.bytes, .of_frame = 3},
                             RingRecord{.map = 1, .cpu = 0, .bytes = std::as_bytes(std::span(other)), .of_frame = 2}}) {
    b.clear();
    b.add(record, 0);
    b.add(change, 1);
    EXPECT_EQ(a.first_difference(b), 1U);
  }
}

constexpr const char* kRecords = "programs: {p: {object: \"" SLUICE_TEST_OBJECTS
                                 "/records.o\"}}\npipelines: {x: {entry: p, on_pass: b}}\n"
                                 "attach: [{ports: [a], ingress: x}]\n";

TEST(RingsOfPipelines, AreReadUnlessTheConfigurationSaysNo) {
  auto loading = load_text(kRecords);
  ASSERT_NE(loading->pipeline, nullptr) << loading->said();
  EXPECT_EQ((*RingReader::open(*loading->pipeline, {}))->counters().size(), 2U);
  loading = load_text(std::string(kRecords) + "maps: {events: {reader: false}, journal: {reader: true}}\n");
  ASSERT_NE(loading->pipeline, nullptr) << loading->said();
  const auto reader = std::move(*RingReader::open(*loading->pipeline, {}));
  ASSERT_EQ(reader->counters().size(), 1U);
  EXPECT_EQ(loading->pipeline->maps()[reader->counters()[0].map].name, "journal");
}

TEST(RingsOfPipelines, OtherMapsHaveNoReader) {
  const auto loading = load_text(std::string(kRecords) + "maps: {failures: {reader: true}}\n");
  EXPECT_EQ(loading->pipeline, nullptr);
  EXPECT_THAT(loading->said(),
              testing::HasSubstr("map failures is of type array: only perf_event_array and ringbuf have readers"));
}

}  // namespace
}  // namespace sluice::pipeline
