#include "dataplane/replay/merge.h"

namespace sluice::replay {

Merge::Merge(std::vector<std::unique_ptr<Reader>> readers) {
  heads_.reserve(readers.size());
  for (auto& reader : readers) heads_.push_back({.reader = std::move(reader), .record = {}});
}

bool Merge::next(Record& record, std::size_t& source) {
  Head* earliest = nullptr;
  for (Head& head : heads_) {
    if (!head.ready && !head.done) {
      head.ready = head.reader->next(head.record);
      head.done = !head.ready;
    }
    if (head.ready && (earliest == nullptr || head.record.time_ns < earliest->record.time_ns)) earliest = &head;
  }
  if (earliest == nullptr) return false;
  earliest->ready = false;
  earliest->delivered += 1;
  record = earliest->record;
  source = static_cast<std::size_t>(earliest - heads_.data());
  return true;
}

}  // namespace sluice::replay
