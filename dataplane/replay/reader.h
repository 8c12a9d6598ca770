#pragma once
// Captures in. Classic pcap of all four magics and pcapng are walked in a memory map; pipes and the odd variants of
// pcap are read by libpcap. Only Ethernet is taken. Input is hostile: a record that lies about its size ends the walk
// with `damage()`, and all complete records before it were delivered, as tshark does. One thread.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"

namespace sluice::replay {

struct Record {
  std::uint64_t time_ns = 0;          // since the epoch
  std::span<const std::byte> bytes;   // as captured; valid until the reader's next `next`
  std::uint32_t original_length = 0;  // on the wire; at least bytes.size() in honest files
  std::uint64_t number = 0;           // in its file, from 1, as Wireshark shows it
};

class Reader {
 public:
  virtual ~Reader() = default;
  // False at the end of the file, and at its damage.
  virtual bool next(Record& record) = 0;
  // What ended the walk early: "frame 17: ...". Empty while all is well.
  [[nodiscard]] const std::optional<std::string>& damage() const noexcept { return damage_; }
  // The file's time stamps are finer than microseconds.
  [[nodiscard]] bool nanoseconds() const noexcept { return nanoseconds_; }

 protected:
  std::optional<std::string> damage_;
  bool nanoseconds_ = false;
};

// Errors (kEnvironment): the file cannot be read, is no capture, or its link type is not Ethernet.
Result<std::unique_ptr<Reader>> open_capture(const std::string& path);

}  // namespace sluice::replay
