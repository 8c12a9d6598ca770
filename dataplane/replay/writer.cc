#include "dataplane/replay/writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

namespace sluice::replay {
namespace {

constexpr std::size_t kBuffer = 1U << 20;  // bytes
constexpr std::uint32_t kSnapLength = 262'144;
constexpr std::uint16_t kLinkEthernet = 1;

class PcapWriter : public Writer {
 public:
  PcapWriter(std::unique_ptr<OutputFile> file, bool nanoseconds) : file_(std::move(file)), nanoseconds_(nanoseconds) {
    file_->put32(nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4);
    file_->put16(2);  // version 2.4
    file_->put16(4);
    file_->put32(0);  // time zone and accuracy: unused
    file_->put32(0);
    file_->put32(kSnapLength);
    file_->put32(kLinkEthernet);
  }

  void write(const Sent& frame) noexcept override {
    const std::uint64_t fraction = frame.time_ns % 1'000'000'000U;
    const auto size = static_cast<std::uint32_t>(frame.head.size() + frame.frag.size());
    file_->put32(static_cast<std::uint32_t>(frame.time_ns / 1'000'000'000U));
    file_->put32(static_cast<std::uint32_t>(nanoseconds_ ? fraction : fraction / 1000U));
    file_->put32(size);
    file_->put32(size + frame.missing);
    file_->put(frame.head);
    file_->put(frame.frag);
  }
  std::optional<std::string> finish() noexcept override { return file_->flush(); }

 private:
  std::unique_ptr<OutputFile> file_;
  bool nanoseconds_;
};

class PcapngWriter : public Writer {
 public:
  PcapngWriter(std::unique_ptr<OutputFile> file, std::span<const std::string> interfaces, std::string_view application)
      : file_(std::move(file)) {
    constexpr std::uint32_t kSectionFixed = 28;
    const std::uint32_t section = kSectionFixed + option_size(application.size()) + kEndOfOptions;
    file_->put32(0x0a0d0d0a);  // section header block
    file_->put32(section);
    file_->put32(0x1a2b3c4d);
    file_->put16(1);  // version 1.0
    file_->put16(0);
    file_->put32(0xffffffff);  // section length: not given
    file_->put32(0xffffffff);
    option(kShbUserappl, as_bytes(application));
    end_of_options();
    file_->put32(section);
    for (const std::string& name : interfaces) describe(name);
  }

  void write(const Sent& frame) noexcept override {
    constexpr std::uint32_t kPacketFixed = 32;
    const std::size_t size = frame.head.size() + frame.frag.size();
    const std::size_t comment = std::min(frame.comment.size(), kLongestOption);
    const std::uint32_t block = kPacketFixed + padded(size) + (comment == 0 ? 0 : option_size(comment)) +
                                (frame.verdict ? option_size(kVerdictBytes) : 0) + kEndOfOptions;
    file_->put32(6);  // enhanced packet block
    file_->put32(block);
    file_->put32(frame.interface);
    file_->put32(static_cast<std::uint32_t>(frame.time_ns >> 32));
    file_->put32(static_cast<std::uint32_t>(frame.time_ns));
    file_->put32(static_cast<std::uint32_t>(size));
    file_->put32(static_cast<std::uint32_t>(size) + frame.missing);
    file_->put(frame.head);
    file_->put(frame.frag);
    file_->pad(padded(size) - size);
    if (comment != 0) option(kComment, as_bytes(frame.comment.substr(0, comment)));
    if (frame.verdict) {
      std::byte verdict[kVerdictBytes] = {std::byte{2}};  // kind: eBPF XDP, then the verdict as a 64-bit number
      const std::uint64_t number = *frame.verdict;
      std::memcpy(verdict + 1, &number, sizeof(number));
      option(kEpbVerdict, verdict);
    }
    end_of_options();
    file_->put32(block);
  }
  std::optional<std::string> finish() noexcept override { return file_->flush(); }

 private:
  static constexpr std::uint16_t kComment = 1, kIfName = 2, kShbUserappl = 4, kEpbVerdict = 7, kIfTsresol = 9;
  static constexpr std::uint32_t kEndOfOptions = 4;      // bytes of opt_endofopt
  static constexpr std::size_t kLongestOption = 65'532;  // bytes; the length has 16 bits, and is padded to 4
  static constexpr std::size_t kVerdictBytes = 9;

  // An interface description block.
  void describe(std::string_view name) noexcept {
    constexpr std::byte kNanos{9};  // if_tsresol: 10^-9 seconds
    constexpr std::uint32_t kInterfaceFixed = 20;
    const std::uint32_t interface = kInterfaceFixed + option_size(name.size()) + option_size(1) + kEndOfOptions;
    file_->put32(1);
    file_->put32(interface);
    file_->put16(kLinkEthernet);
    file_->put16(0);
    file_->put32(0);  // snap length: no limit
    option(kIfName, as_bytes(name));
    option(kIfTsresol, {&kNanos, 1});
    end_of_options();
    file_->put32(interface);
  }

  static std::span<const std::byte> as_bytes(std::string_view text) noexcept {
    return std::as_bytes(std::span(text.data(), text.size()));
  }
  static std::uint32_t padded(std::size_t size) noexcept {
    return static_cast<std::uint32_t>((size + 3) & ~std::size_t{3});
  }
  static std::uint32_t option_size(std::size_t size) noexcept { return 4 + padded(size); }
  void option(std::uint16_t code, std::span<const std::byte> value) noexcept {
    file_->put16(code);
    file_->put16(static_cast<std::uint16_t>(value.size()));
    file_->put(value);
    file_->pad(padded(value.size()) - value.size());
  }
  void end_of_options() noexcept { file_->put32(0); }

  std::unique_ptr<OutputFile> file_;
};

}  // namespace

OutputFile::OutputFile(int file, std::string path) : file_(file), path_(std::move(path)), buffer_(kBuffer) {}

OutputFile::~OutputFile() {
  flush();
  close(file_);
}

Result<std::unique_ptr<OutputFile>> OutputFile::create(const std::string& path) {
  const std::filesystem::path directory = std::filesystem::path(path).parent_path();
  std::error_code failed;
  if (!directory.empty()) std::filesystem::create_directories(directory, failed);
  if (failed) {
    return Error{ErrorCode::kEnvironment, fmt::format("{}: cannot make the directory: {}", path, failed.message())};
  }
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) return Error{ErrorCode::kEnvironment, fmt::format("{}: {}", path, std::strerror(errno))};
  return std::unique_ptr<OutputFile>(new OutputFile(file, path));
}

void OutputFile::put(std::span<const std::byte> bytes) noexcept {
  while (!bytes.empty()) {
    if (used_ == buffer_.size()) flush();
    const std::size_t now = std::min(bytes.size(), buffer_.size() - used_);
    std::memcpy(buffer_.data() + used_, bytes.data(), now);
    used_ += now;
    bytes = bytes.subspan(now);
  }
}

void OutputFile::put32(std::uint32_t value) noexcept { put(std::as_bytes(std::span(&value, 1))); }

void OutputFile::put16(std::uint16_t value) noexcept { put(std::as_bytes(std::span(&value, 1))); }

void OutputFile::pad(std::size_t zeros) noexcept {
  constexpr std::byte kZeros[4] = {};
  put(std::span(kZeros, zeros));
}

std::optional<std::string> OutputFile::flush() noexcept {
  std::size_t done = 0;
  while (errno_ == 0 && done < used_) {
    const ssize_t written = ::write(file_, buffer_.data() + done, used_ - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      errno_ = errno;
    } else {
      done += static_cast<std::size_t>(written);
    }
  }
  used_ = 0;  // after a failure the rest is thrown away: the caller learns it at the end
  if (errno_ == 0) return std::nullopt;
  return fmt::format("{}: {}", path_, std::strerror(errno_));
}

Result<std::unique_ptr<Writer>> create_writer(const std::string& path, Format format, bool nanoseconds,
                                              std::string_view port) {
  const std::string interfaces[] = {std::string(port)};
  if (format == Format::kPcapng) return create_pcapng(path, interfaces, "sluice replay");
  auto file = OutputFile::create(path);
  if (!file) return std::move(file).error();
  return {std::make_unique<PcapWriter>(std::move(*file), nanoseconds)};
}

Result<std::unique_ptr<Writer>> create_pcapng(const std::string& path, std::span<const std::string> interfaces,
                                              std::string_view application) {
  auto file = OutputFile::create(path);
  if (!file) return std::move(file).error();
  return {std::make_unique<PcapngWriter>(std::move(*file), interfaces, application)};
}

Result<OutputPattern> OutputPattern::parse(std::string_view text) {
  OutputPattern pattern{.text = std::string(text)};
  std::error_code ignored;
  const bool directory = text.ends_with('/') || std::filesystem::is_directory(pattern.text, ignored);
  if (text.find("%p") == text.npos) {
    if (!directory) {
      return Error{ErrorCode::kUsage,
                   fmt::format("output '{}': expected a directory (ending in /) or a name with %p in "
                               "it, as in 'out/%p.pcapng'",
                               text)};
    }
    pattern.text += text.ends_with('/') ? "%p.pcap" : "/%p.pcap";
  }
  if (pattern.text.ends_with(".pcapng")) {
    pattern.format = Format::kPcapng;
  } else if (!pattern.text.ends_with(".pcap")) {
    return Error{ErrorCode::kUsage, fmt::format("output '{}': expected a name ending in .pcap or .pcapng", text)};
  }
  return pattern;
}

std::string OutputPattern::path(std::string_view port) const {
  std::string path = text;
  for (std::size_t at = path.find("%p"); at != path.npos; at = path.find("%p", at + port.size())) {
    path.replace(at, 2, port);
  }
  return path;
}

}  // namespace sluice::replay
