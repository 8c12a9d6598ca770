#include "dataplane/pipeline/rings.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "vm/maps/perf_event_array.h"
#include "vm/maps/ringbuf.h"

namespace sluice::pipeline {

namespace {

// Where the records of one ring go; `batch` is null when nobody wants them.
struct Taker {
  RingCounters& counters;
  RingBatch* batch;
  RingRecord like;

  void take(std::span<const std::byte> bytes, std::uint32_t of_frame, std::uint32_t order) {
    counters.records += 1;
    counters.bytes += bytes.size();
    if (batch == nullptr) return;
    like.bytes = bytes;
    like.of_frame = of_frame;
    batch->add(like, order);
  }
};

void drain_perf(vm::PerfRing& ring, Taker& taker) {
  const auto see = [](void* to, const vm::PerfRing::Record& record) {
    auto& self = *static_cast<Taker*>(to);
    if (record.lost != 0) {
      self.counters.lost += record.lost;
    } else {
      self.take(record.bytes, record.of_frame, record.order);
    }
  };
  while (ring.consume(see, &taker)) continue;
}

void drain_buffer(vm::Ringbuf& buffer, Taker& taker) {
  const auto see = [](void* to, std::span<const std::byte> record) {
    static_cast<Taker*>(to)->take(record, 0, vm::Ringbuf::order_of(record));
  };
  while (buffer.consume(see, &taker)) continue;
}

}  // namespace

bool is_ring(const vm::Map& map) noexcept {
  return map.spec().type == vm::MapType::kPerfEventArray || map.spec().type == vm::MapType::kRingbuf;
}

void RingBatch::clear() noexcept {
  items_.clear();
  bytes_.clear();
}

void RingBatch::add(const RingRecord& record, std::uint32_t order) {
  items_.push_back({.record = record, .order = order, .at = bytes_.size(), .size = record.bytes.size()});
  items_.back().record.bytes = {};
  bytes_.insert(bytes_.end(), record.bytes.begin(), record.bytes.end());
}

void RingBatch::sort() { std::ranges::stable_sort(items_, {}, &Item::order); }

RingRecord RingBatch::record(std::size_t index) const noexcept {
  const Item& item = items_[index];
  RingRecord record = item.record;
  record.bytes = std::span(bytes_).subspan(item.at, item.size);
  return record;
}

std::optional<std::size_t> RingBatch::first_difference(const RingBatch& other) const noexcept {
  const std::size_t common = std::min(size(), other.size());
  for (std::size_t i = 0; i < common; ++i) {
    const RingRecord a = record(i);
    const RingRecord b = other.record(i);
    if (a.map != b.map || a.cpu != b.cpu || a.of_frame != b.of_frame || !std::ranges::equal(a.bytes, b.bytes)) return i;
  }
  return size() == other.size() ? std::nullopt : std::optional(common);
}

void RingReader::Ring::number_by(std::uint32_t* next) const noexcept {
  if (perf != nullptr) perf->number_by(next);
  if (buffer != nullptr) buffer->number_by(next);
}

RingReader::~RingReader() {
  for (const Ring& ring : rings_) ring.number_by(nullptr);
}

Result<std::unique_ptr<RingReader>> RingReader::open(std::span<const std::shared_ptr<vm::Map>> maps, Options options) {
  std::unique_ptr<RingReader> reader(new RingReader(options.ordered));
  for (std::size_t i = 0; i < maps.size(); ++i) {
    if (maps[i] == nullptr || !is_ring(*maps[i])) continue;
    Ring ring{.map = maps[i],
              .perf = dynamic_cast<vm::PerfEventArray*>(maps[i].get()),
              .buffer = dynamic_cast<vm::Ringbuf*>(maps[i].get()),
              .counters = {.map = static_cast<std::uint32_t>(i)}};
    if (const int error = ring.perf == nullptr ? 0 : ring.perf->open_all(options.perf_bytes); error != 0) {
      return Error{ErrorCode::kEnvironment,
                   fmt::format("map {}: cannot open rings of {} bytes: {}", maps[i]->spec().name, options.perf_bytes,
                               std::strerror(-error))};
    }
    if (options.ordered) ring.number_by(&reader->next_);
    reader->rings_.push_back(std::move(ring));
  }
  return reader;
}

Result<std::unique_ptr<RingReader>> RingReader::open(const Pipeline& pipeline, Options options) {
  std::vector<std::shared_ptr<vm::Map>> maps;
  for (const NamedMap& map : pipeline.maps()) maps.push_back(map.reader ? map.map : nullptr);
  return open(maps, options);
}

void RingReader::drain_into(RingBatch* batch) {
  for (Ring& ring : rings_) {
    Taker taker{.counters = ring.counters, .batch = batch, .like = {.map = ring.counters.map, .cpu = {}, .bytes = {}}};
    if (ring.buffer != nullptr) drain_buffer(*ring.buffer, taker);
    for (unsigned cpu = 0; ring.perf != nullptr && cpu < ring.map->cpus(); ++cpu) {
      vm::PerfRing* const of_cpu = ring.perf->ring(cpu);
      taker.like.cpu = cpu;
      if (of_cpu != nullptr) drain_perf(*of_cpu, taker);
    }
  }
}

void RingReader::drain() { drain_into(nullptr); }

void RingReader::take(RingBatch& batch) {
  batch.clear();
  drain_into(&batch);
  if (!ordered_) return;
  batch.sort();
  next_ = 0;  // all that were begun are in the batch
}

std::vector<RingCounters> RingReader::counters() const {
  std::vector<RingCounters> all;
  for (const Ring& ring : rings_) {
    all.push_back(ring.counters);
    if (ring.buffer != nullptr) all.back().lost += ring.buffer->lost();
    for (unsigned cpu = 0; ring.perf != nullptr && cpu < ring.map->cpus(); ++cpu) {
      const vm::PerfRing* const of_cpu = ring.perf->ring(cpu);
      if (of_cpu != nullptr) all.back().lost += of_cpu->lost_since();
    }
  }
  return all;
}

}  // namespace sluice::pipeline
