#pragma once
// Which flow a frame belongs to, where no device says it: the same number for both directions of a TCP or UDP
// connection, by addresses and ports; for other IP packets and all fragments by addresses; else by MAC addresses. Not
// secret: whoever chooses addresses chooses the worker. Pure; any thread.
#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::pipeline {

std::uint32_t flow_hash(std::span<const std::byte> frame) noexcept;

// The worker, 0..workers-1, that flow belongs to.
constexpr unsigned worker_of(std::uint32_t hash, unsigned workers) noexcept {
  return static_cast<unsigned>((std::uint64_t{hash} * workers) >> 32);
}

}  // namespace sluice::pipeline
