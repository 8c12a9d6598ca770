#pragma once
// Several captures as one stream in order of time: the earliest record at the head of any of them comes next, and of
// equal ones that of the file given first. Within a file the order stays as it is, even where time runs backwards.
// One thread.
#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/replay/reader.h"

namespace sluice::replay {

class Merge {
 public:
  explicit Merge(std::vector<std::unique_ptr<Reader>> readers);

  // The next record and the index of its reader; false at the end of all. The record's bytes are valid until the next
  // call.
  bool next(Record& record, std::size_t& source);
  [[nodiscard]] const Reader& reader(std::size_t index) const noexcept { return *heads_[index].reader; }
  [[nodiscard]] std::size_t readers() const noexcept { return heads_.size(); }
  // Records delivered from a reader so far.
  [[nodiscard]] std::uint64_t delivered(std::size_t index) const noexcept { return heads_[index].delivered; }

 private:
  struct Head {
    std::unique_ptr<Reader> reader;
    Record record;
    bool ready = false;  // `record` waits to be delivered
    bool done = false;
    std::uint64_t delivered = 0;
  };
  std::vector<Head> heads_;
};

}  // namespace sluice::replay
