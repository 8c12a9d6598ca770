#pragma once
// One frame as a program and its helpers see it: the native form behind `struct xdp_md` (vm/ctx_fields maps the 32-bit
// offsets programs use to these members). The executor makes a fresh one a frame; one worker touches it at a time.
// Engines and the JIT rely on the layout: it is standard-layout and addressed with offsetof.
#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "vm/isa.h"

namespace sluice::vm {

class Map;
struct ProgramSlot;

// enum xdp_action, linux/bpf.h. Programs return any 32-bit number: check before the cast.
enum class Verdict : std::uint32_t { kAborted = 0, kDrop = 1, kPass = 2, kTx = 3, kRedirect = 4 };
constexpr unsigned kVerdicts = 5;

// What bpf_redirect or bpf_redirect_map asked for. Only meaningful when the verdict is kRedirect.
struct Redirect {
  enum class Kind : std::uint8_t {
    kNone,       // nobody asked: a verdict of kRedirect is then an error
    kIfindex,    // bpf_redirect: `ifindex` as given by the program, not checked
    kEntry,      // bpf_redirect_map on an occupied slot: `ifindex` and `program` were resolved when it was called
    kCpu,        // the same on a CPUMAP: `ifindex` is the CPU
    kSocket,     // the same on an XSKMAP: `ifindex` is the port
    kBroadcast,  // bpf_redirect_map with BPF_F_BROADCAST on `map`; BPF_F_EXCLUDE_INGRESS in `flags`
  };
  Kind kind = Kind::kNone;
  std::uint32_t ifindex = 0;
  std::uint64_t flags = 0;
  Map* map = nullptr;                    // the map of all but kIfindex; outlives the burst
  const ProgramSlot* program = nullptr;  // the program attached to the entry, or null; outlives the burst
};

struct XdpContext {
  std::byte* data = nullptr;
  std::byte* data_end = nullptr;
  std::byte* data_meta = nullptr;   // data_meta <= data; equal when there is no metadata
  std::byte* hard_start = nullptr;  // lowest address adjust_head may move data to
  std::byte* frame_end = nullptr;   // one past the highest address adjust_tail may move data_end to
  std::uint32_t ingress_ifindex = 0;
  std::uint32_t rx_queue_index = 0;
  std::uint32_t egress_ifindex = 0;
  // Where the frame has been: path[0] is the entry stage, path[depth] the stage running now. `depth` counts tail
  // calls taken, at most kMaxTailCalls; the executor sets depth = 0 and path[0], engines do the rest.
  std::uint32_t depth = 0;
  std::array<std::uint16_t, kMaxTailCalls + 1> path{};
  Redirect redirect;
  // What does not fit into the linear part (frame model `linux`, programs with frags): one run of bytes.
  std::byte* frag = nullptr;    // null = none
  std::uint32_t frag_len = 0;   // bytes in use
  std::uint32_t frag_room = 0;  // bytes that can be in use
};
static_assert(std::is_standard_layout_v<XdpContext>);

}  // namespace sluice::vm
