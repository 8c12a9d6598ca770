#pragma once
// The frames of the parity of packaged programs: the usual ones of tests/support/packets.h, those that other people's
// programs ask for (tunnels, extension headers, echo requests, metadata in front), and of captures. Always the same
// ones in the same order, but for captures that are not ours.
#include <string>
#include <vector>

#include "tests/packaged/subject.h"

namespace sluice::kernel {

// At least 200. `pcaps`: the folder of shipped captures.
std::vector<Input> made_frames(const std::string& pcaps);
// The first frames of every Ethernet capture below a folder, in the order of their paths.
std::vector<Input> captured_frames(const std::string& folder, std::size_t of_each);

}  // namespace sluice::kernel
