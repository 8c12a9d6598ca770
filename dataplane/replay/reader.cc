#include "dataplane/replay/reader.h"

#include <fcntl.h>
#include <pcap/pcap.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fmt/format.h>

#include "base/diagnostics.h"
#include "dataplane/replay/pcap_reader.h"
#include "dataplane/replay/pcapng_reader.h"

namespace sluice::replay {
namespace {

Error environment(std::string message) { return {ErrorCode::kEnvironment, std::move(message)}; }

struct CloseFile {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
struct ClosePcap {
  void operator()(pcap_t* capture) const noexcept { pcap_close(capture); }
};

void unmap(std::span<const std::byte> image) {
  munmap(const_cast<std::byte*>(image.data()), image.size());  // NOLINT(cppcoreguidelines-pro-type-const-cast)
}

Error wrong_link(int link) {
  const char* name = pcap_datalink_val_to_name(link);
  const char* text = pcap_datalink_val_to_description(link);
  return environment(name == nullptr ? fmt::format("link type {} is not Ethernet", link)
                                     : fmt::format("link type {} ({}) is not Ethernet", name, text));
}

// What libpcap reads: pipes, and pcap of unusual magic.
class LibpcapReader : public Reader {
 public:
  explicit LibpcapReader(pcap_t* capture) : capture_(capture) { nanoseconds_ = true; }

  bool next(Record& record) override {
    pcap_pkthdr* header = nullptr;
    const u_char* bytes = nullptr;
    const int got = damage_ ? PCAP_ERROR_BREAK : pcap_next_ex(capture_.get(), &header, &bytes);
    if (got != 1) {
      if (got == PCAP_ERROR) damage_ = fmt::format("frame {}: {}", frames_ + 1, printable(pcap_geterr(capture_.get())));
      return false;
    }
    record.time_ns = static_cast<std::uint64_t>(header->ts.tv_sec) * 1'000'000'000U +
                     static_cast<std::uint64_t>(header->ts.tv_usec);  // nanoseconds, as asked for
    record.bytes = {reinterpret_cast<const std::byte*>(bytes), header->caplen};
    record.original_length = header->len;
    record.number = ++frames_;
    return true;
  }

 private:
  std::unique_ptr<pcap_t, ClosePcap> capture_;
  std::uint64_t frames_ = 0;
};

Result<std::unique_ptr<Reader>> open_by_libpcap(int file) {
  std::unique_ptr<std::FILE, CloseFile> stream(fdopen(file, "rb"));
  if (stream == nullptr) return environment(std::strerror(errno));
  std::array<char, PCAP_ERRBUF_SIZE> why{};
  pcap_t* capture = pcap_fopen_offline_with_tstamp_precision(stream.get(), PCAP_TSTAMP_PRECISION_NANO, why.data());
  if (capture == nullptr) return environment(printable(why.data()));
  [[maybe_unused]] const std::FILE* const closed_by_pcap = stream.release();
  auto reader = std::make_unique<LibpcapReader>(capture);
  if (pcap_datalink(capture) != DLT_EN10MB) return wrong_link(pcap_datalink(capture));
  return {std::move(reader)};
}

Result<std::unique_ptr<Reader>> open_mapped(std::span<const std::byte> image, const PcapReader::Header& header) {
  auto reader = std::make_unique<PcapReader>(image, header, unmap);
  if (header.link_type != kLinkEthernet) return wrong_link(static_cast<int>(header.link_type));
  madvise(const_cast<std::byte*>(image.data()), image.size(), MADV_SEQUENTIAL);  // NOLINT
  return {std::move(reader)};
}

Result<std::unique_ptr<Reader>> open_mapped(std::span<const std::byte> image) {
  auto reader = std::make_unique<PcapngReader>(image, unmap);
  if (const auto link = reader->first_link(); link && *link != kLinkEthernet) return wrong_link(*link);
  return {std::move(reader)};
}

Result<std::unique_ptr<Reader>> open_file(int file) {
  struct stat status{};
  if (fstat(file, &status) != 0) return environment(std::strerror(errno));
  if (S_ISDIR(status.st_mode)) return environment("is a directory, not a capture");
  if (S_ISREG(status.st_mode) && status.st_size > 0) {
    const auto size = static_cast<std::size_t>(status.st_size);
    void* memory = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
    if (memory != MAP_FAILED) {
      const std::span<const std::byte> image(static_cast<const std::byte*>(memory), size);
      const auto header = PcapReader::header(image);
      // Before version 2.4 the two lengths stood in another order now and then: libpcap knows when.
      if (header && header->version_major == 2) {
        close(file);
        return open_mapped(image, *header);
      }
      if (PcapngReader::recognises(image)) {
        close(file);
        return open_mapped(image);
      }
      unmap(image);
    }
  }
  return open_by_libpcap(file);
}

}  // namespace

Result<std::unique_ptr<Reader>> open_capture(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return environment(std::strerror(errno)).in(path);
  auto reader = open_file(file);
  if (!reader) return std::move(reader).error().in(path);
  return reader;
}

}  // namespace sluice::replay
