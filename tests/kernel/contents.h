#pragma once
// What a map holds after a run, on either side, in a form in which both can be compared: entries by key; programs, maps
// and ports of slots as far as they mean the same on both sides; what queues hold and readers of rings get, numbered.
#include <memory>
#include <utility>
#include <vector>

#include "dataplane/kernel/peer.h"
#include "tests/support/packets.h"
#include "vm/maps/map.h"

namespace sluice::kernel {

using testing_support::Bytes;

// Sorted by key.
using Entries = std::vector<std::pair<Bytes, Bytes>>;

// Whether contents of such a map can be compared: the kernel reads no XSKMAP and no BLOOM_FILTER out.
bool is_readable(vm::MapType type);
// Whether user space fills it by key.
bool has_keys(vm::MapType type);

// A reader of the kernel's RINGBUF or CPU 0's ring of its PERF_EVENT_ARRAY. Made before the run, for programs see
// whether a PERF_EVENT_ARRAY has one. The map outlives it.
class KernelReader {
 public:
  virtual ~KernelReader() = default;
  virtual Entries take() = 0;
};
// Null: the map is none that is read so.
Result<std::unique_ptr<KernelReader>> read_records_of(const MapHandle& map);
// The same here. Does nothing to other maps.
Result<void> read_records_of(vm::Map& map);

// `take`: queues are emptied and records read; else queues show their next value and rings nothing. `reader` may be
// null.
Entries entries_of(const MapHandle& map, KernelReader* reader, bool take);
Entries entries_of(vm::Map& map, bool take);

}  // namespace sluice::kernel
