#pragma once
// Captures out: classic pcap, or pcapng with what the switch knows of each frame. Own writers: libpcap writes neither
// verdicts nor comments. Bytes go through one large buffer; the first failed write is kept and ends the writing. One
// thread. Formats: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng; option epb_verdict (7) as xdpdump writes it.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sluice::replay {

struct Sent {
  std::uint64_t time_ns = 0;
  std::span<const std::byte> head;  // the frame: linear part, then frag
  std::span<const std::byte> frag;
  std::uint32_t missing = 0;             // bytes that were on the wire and not in the capture
  std::optional<std::uint32_t> verdict;  // a vm::Verdict; pcapng only
  std::string_view comment;              // empty = none; pcapng only
  std::uint32_t interface = 0;           // index into those of the file; pcapng only
};

// A file written through a buffer of 1 MiB. Regular files are replaced.
class OutputFile {
 public:
  static Result<std::unique_ptr<OutputFile>> create(const std::string& path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void put(std::span<const std::byte> bytes) noexcept;
  void put32(std::uint32_t value) noexcept;  // host order, as both formats allow
  void put16(std::uint16_t value) noexcept;
  void pad(std::size_t zeros) noexcept;
  // Writes out what waits. What failed first since the file was made, in words; empty when all is on its way to disk.
  std::optional<std::string> flush() noexcept;

 private:
  OutputFile(int file, std::string path);
  int file_;
  std::string path_;
  std::vector<std::byte> buffer_;
  std::size_t used_ = 0;
  int errno_ = 0;
};

class Writer {
 public:
  virtual ~Writer() = default;
  virtual void write(const Sent& frame) noexcept = 0;
  // As OutputFile::flush.
  virtual std::optional<std::string> finish() noexcept = 0;
};

enum class Format : std::uint8_t { kPcap, kPcapng };

// `nanoseconds` decides the magic of pcap; pcapng always has them. `port` names the interface in pcapng.
Result<std::unique_ptr<Writer>> create_writer(const std::string& path, Format format, bool nanoseconds,
                                              std::string_view port);

// A pcapng file of several interfaces. `application` is who writes it.
Result<std::unique_ptr<Writer>> create_pcapng(const std::string& path, std::span<const std::string> interfaces,
                                              std::string_view application);

// Where the capture of each port goes: "out/" is out/PORT.pcap, and %p stands for the port's name elsewhere. The format
// follows the ending. kUsage when the pattern fits none of this.
struct OutputPattern {
  std::string text;
  Format format = Format::kPcap;

  static Result<OutputPattern> parse(std::string_view text);
  [[nodiscard]] std::string path(std::string_view port) const;
};

}  // namespace sluice::replay
