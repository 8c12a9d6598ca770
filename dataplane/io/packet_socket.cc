#include "dataplane/io/packet_socket.h"

#include <linux/if_packet.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string>
#include <system_error>

namespace sluice::io {

std::vector<int> packet_sockets() {
  std::vector<int> found;
  std::error_code error;
  std::filesystem::directory_iterator at("/proc/self/fd", error);
  for (; at != std::filesystem::directory_iterator(); at.increment(error)) {
    const std::string name = at->path().filename().string();
    int fd = -1;
    std::from_chars(name.data(), name.data() + name.size(), fd);
    int domain = 0;
    socklen_t size = sizeof domain;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_PACKET) found.push_back(fd);
  }
  std::ranges::sort(found);
  return found;
}

std::uint64_t take_packet_drops(const std::vector<int>& sockets) noexcept {
  std::uint64_t sum = 0;
  for (const int fd : sockets) {
    tpacket_stats stats{};
    socklen_t size = sizeof stats;
    if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0) sum += stats.tp_drops;
  }
  return sum;
}

}  // namespace sluice::io
