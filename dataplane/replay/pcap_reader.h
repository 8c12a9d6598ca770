#pragma once
// Classic pcap (draft-ietf-opsawg-pcap) in a memory map. See reader.h.
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "dataplane/replay/reader.h"

namespace sluice::replay {

constexpr std::uint32_t kLinkEthernet = 1;         // LINKTYPE_ETHERNET
constexpr std::uint32_t kLongestRecord = 262'144;  // MAXIMUM_SNAPLEN of libpcap and of Wireshark

class PcapReader : public Reader {
 public:
  // The file header of `image`, or nothing when its magic is none of the four.
  struct Header {
    bool swapped = false;  // written by a machine of the other byte order
    bool nanoseconds = false;
    std::uint32_t version_major = 0;
    std::uint32_t link_type = 0;
  };
  static std::optional<Header> header(std::span<const std::byte> image) noexcept;

  // `image` must have a header; it is unmapped by `unmap` when the reader dies (null = not owned).
  PcapReader(std::span<const std::byte> image, const Header& header, void (*unmap)(std::span<const std::byte>));
  ~PcapReader() override;
  PcapReader(const PcapReader&) = delete;
  PcapReader& operator=(const PcapReader&) = delete;

  bool next(Record& record) override;

 private:
  std::span<const std::byte> image_;
  std::size_t at_;
  std::uint64_t frames_ = 0;
  bool swapped_;
  void (*unmap_)(std::span<const std::byte>);
};

}  // namespace sluice::replay
