#pragma once
// pcapng (draft-ietf-opsawg-pcapng) in a memory map: several sections, byte orders and interfaces of any snap length
// and clock, which libpcap refuses to mix. See reader.h.
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dataplane/replay/reader.h"

namespace sluice::replay {

class PcapngReader : public Reader {
 public:
  // The file starts with a section header block.
  static bool recognises(std::span<const std::byte> image) noexcept;

  // `image` is unmapped by `unmap` when the reader dies (null = not owned).
  PcapngReader(std::span<const std::byte> image, void (*unmap)(std::span<const std::byte>));
  ~PcapngReader() override;
  PcapngReader(const PcapngReader&) = delete;
  PcapngReader& operator=(const PcapngReader&) = delete;

  bool next(Record& record) override;
  // Link type of the first interface when that is described before the first frame; reads up to there.
  std::optional<std::uint16_t> first_link();

 private:
  struct Interface {
    std::uint16_t link = 0;
    std::uint32_t snap = 0;       // bytes, 0 = no limit
    std::uint8_t resolution = 6;  // if_tsresol
    std::uint64_t offset_ns = 0;  // if_tsoffset, two's complement
  };
  struct Block {
    std::uint32_t type = 0;
    std::span<const std::byte> body;  // without type and lengths
  };

  // The next block, or false at the end or at damage. The section's byte order is known afterwards.
  bool block(Block& out);
  bool section(std::size_t left);
  void interface(std::span<const std::byte> body);
  bool enhanced(std::span<const std::byte> body, bool obsolete, Record& record);
  bool simple(std::span<const std::byte> body, Record& record);
  bool frame(const Interface* from, std::uint64_t index, Record& record);
  bool damaged(std::string why);
  [[nodiscard]] std::uint32_t word(const std::byte* at) const noexcept;
  [[nodiscard]] std::uint16_t half(const std::byte* at) const noexcept;
  [[nodiscard]] static std::uint64_t nanoseconds_of(std::uint64_t stamp, const Interface& from) noexcept;

  std::span<const std::byte> image_;
  std::size_t at_ = 0;
  std::uint64_t frames_ = 0;
  std::uint64_t last_time_ = 0;  // of frames that carry none
  bool swapped_ = false;
  std::vector<Interface> interfaces_;  // of the section
  std::optional<Block> ahead_;         // read by first_link
  void (*unmap_)(std::span<const std::byte>);
};

}  // namespace sluice::replay
