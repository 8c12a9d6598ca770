#pragma once
// One map with everything that can be done to it, by user space and by programs, in the running kernel and here on
// either engine: tests do the same to all and compare what comes back. Control path, one thread, pinned to CPU 0.
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "dataplane/pipeline/runner.h"
#include "tests/support/packets.h"
#include "vm/maps/map.h"

namespace sluice::kernel {

using testing_support::Bytes;

// What values of a map name. All but kBytes are given as a number 1..kNumbered in 4 bytes.
enum class Values : std::uint8_t { kBytes, kPrograms, kMaps, kSockets };
constexpr std::uint32_t kNumbered = 4;

struct PlayerSetup {
  vm::MapSpec spec;
  Values values = Values::kBytes;
  std::vector<std::string> programs;  // texts; the first one is run, all are what kPrograms numbers
  std::uint32_t perf_ring = 0;        // bytes of CPU 0's ring of a PERF_EVENT_ARRAY, 0 = none
};

class MapPlayer {
 public:
  virtual ~MapPlayer() = default;

  // 0 or -errno each. `key` is empty for maps without keys.
  virtual int update(const Bytes& key, const Bytes& value, std::uint64_t mode) = 0;
  virtual int erase(const Bytes& key) = 0;
  // Fills `out`, which has the right size; left alone on failure and where values are numbered.
  virtual int read(const Bytes& key, Bytes& out) = 0;
  // Of queues: the value leaves.
  virtual int take(Bytes& out) = 0;
  // The key behind `key`, or the first one of an empty `key`.
  virtual int next_key(const Bytes& key, Bytes& next) = 0;
  // Runs the first program on `frame`, which may be changed. -errno or the verdict.
  virtual std::int64_t run(Bytes& frame) = 0;
  // What a reader got. The kernel pads records of a PERF_EVENT_ARRAY and does not tell how much of one that is; we do.
  struct Record {
    std::string bytes;
    std::size_t padding = 0;  // how many of the last ones say nothing
    std::uint64_t lost = 0;   // stands for so many that found no room
  };
  // At most `most` records of a RINGBUF, or all of a PERF_EVENT_ARRAY.
  virtual std::vector<Record> drain(std::size_t most) = 0;
};

// Whether what was read here is what the kernel's reader got.
inline bool alike(const MapPlayer::Record& ours, const MapPlayer::Record& theirs) {
  return ours.lost == theirs.lost && ours.bytes.size() == theirs.bytes.size() &&
         ours.bytes.compare(0, ours.bytes.size() - ours.padding, theirs.bytes, 0, theirs.bytes.size() - ours.padding) ==
             0;
}

Result<std::unique_ptr<MapPlayer>> kernel_player(const PlayerSetup& setup);
Result<std::unique_ptr<MapPlayer>> sluice_player(const PlayerSetup& setup, pipeline::Engine engine);

}  // namespace sluice::kernel
