#pragma once
// Frames put back into the form they have on a wire, for programs that look at every byte: an 802.1Q tag that a driver
// has cut out, and TCP and UDP checksums that a sender on the same machine has left to its (virtual) device. Pure; any
// thread.
#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::io {

// Moves the two MAC addresses 4 bytes ahead and writes the tag (type 0x8100) behind them. The 4 bytes before `frame`
// must be writable; `frame` holds 12 bytes or more. The frame then starts 4 bytes earlier.
void insert_tag(std::byte* frame, std::uint16_t tci) noexcept;

// A sender that leaves the checksum to the device puts the sum of the pseudo header where the checksum belongs (Linux:
// CHECKSUM_PARTIAL). Where exactly that is found in a TCP or UDP packet that is no fragment, the checksum is completed;
// nothing else is touched. A checksum that is right already and by chance equals that sum comes out the same. True when
// it was completed.
bool complete_checksum(std::span<std::byte> frame) noexcept;

}  // namespace sluice::io
