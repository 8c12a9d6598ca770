#pragma once
// What the kernel dropped because an af_packet device's receive ring was full. Neither DPDK's driver nor the interface
// counts these frames: only the sockets know, packet(7). Main thread.
#include <cstdint>
#include <vector>

namespace sluice::io {

// Descriptors of all packet sockets this process holds, ascending.
std::vector<int> packet_sockets();

// Frames dropped since the last call, which starts the count anew. Descriptors that are no packet sockets count
// nothing.
std::uint64_t take_packet_drops(const std::vector<int>& sockets) noexcept;

}  // namespace sluice::io
