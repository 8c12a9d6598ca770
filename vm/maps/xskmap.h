#pragma once
// XSKMAP: slots that name where frames go as they are, in the kernel an AF_XDP socket, here a port by its ifindex. A
// program that looks a slot up reads `queue_id` of struct bpf_xdp_sock: the slot's index, as a socket of queue i lies
// in slot i. Threads: as vm/maps/map.h says.
#include "vm/maps/map.h"
#include "vm/maps/map_memory.h"

namespace sluice::vm {

class Xskmap final : public Map {
 public:
  static Result<std::unique_ptr<Map>> make(const MapSpec& spec, unsigned cpus);

  // The ifindex of a slot, 0 when it is empty. Data path.
  [[nodiscard]] std::uint32_t resolve(std::uint32_t key) const noexcept;

  // The slot's queue_id, 4 bytes to be read only.
  std::byte* lookup(const std::byte* key, unsigned cpu) noexcept override;
  // `value` is an ifindex; 0 is none: -EBADF, as in the kernel of what is no socket.
  int update(const std::byte* key, const std::byte* value, UpdateMode mode, unsigned cpu) noexcept override;
  int erase(const std::byte* key) noexcept override;
  bool next_key(const std::byte* key, std::byte* next) const override;
  int read(const std::byte* key, std::byte* out) override;  // -EOPNOTSUPP, as the kernel has it

 private:
  struct Slot {
    std::uint32_t ifindex;  // 0 = empty
    std::uint32_t queue_id;
  };
  Xskmap(const MapSpec& spec, unsigned cpus, MapMemory memory);
  MapMemory memory_;
  Slot* slots_;
};

}  // namespace sluice::vm
