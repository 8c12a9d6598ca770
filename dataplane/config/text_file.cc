// Files as text: everything yaml-cpp must never see is refused here.
#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/config/reader.h"

namespace sluice::config {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

// Bytes of the UTF-8 sequence at the front of `text` (RFC 3629, section 4), 0 when there is none.
std::size_t utf8_sequence(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xc0U) == 0x80U; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return tail(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool overlong = first == 0xe0 && byte(1) < 0xa0;
    const bool surrogate = first == 0xed && byte(1) > 0x9f;
    return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool overlong = first == 0xf0 && byte(1) < 0x90;
    const bool too_large = first == 0xf4 && byte(1) > 0x8f;
    return tail(1) && tail(2) && tail(3) && !overlong && !too_large ? 4 : 0;
  }
  return 0;
}

// False, with `why` and `line` set, when `text` is not UTF-8 or has control characters: yaml-cpp takes a 0x04 for the
// end of the file.
bool is_text(std::string_view text, std::string& why, unsigned& line) {
  line = 1;
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const bool line_end = byte == '\r' && at + 1 < text.size() && text[at + 1] == '\n';
    if ((byte < 0x20 && byte != '\n' && byte != '\t' && !line_end) || byte == 0x7f) {
      why = fmt::format("control character 0x{:02x}; a pipeline file is plain text", byte);
      return false;
    }
    const std::size_t length = utf8_sequence(text.substr(at));
    if (length == 0) {
      why = fmt::format("byte 0x{:02x} is not UTF-8", byte);
      return false;
    }
    if (byte == '\n') ++line;
    at += length;
  }
  line = 0;
  return true;
}

bool read_all(int fd, std::string& out) {
  std::array<char, 65536> buffer;
  while (out.size() <= kLargestFile) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n == 0;
    out.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace

std::optional<std::string> read_text(const std::string& file, std::string& why, unsigned& line) {
  line = 0;
  // O_NONBLOCK: a named pipe without a writer must not hang the check.
  const Descriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status = {};
  if (fd.get() < 0 || ::fstat(fd.get(), &status) != 0) {
    why = fmt::format("cannot read it: {}", std::strerror(errno));
    return std::nullopt;
  }
  if (S_ISDIR(status.st_mode)) {
    why = "is a directory, not a file";
    return std::nullopt;
  }
  std::string text;
  if (!read_all(fd.get(), text)) {
    why = fmt::format("cannot read it: {}", std::strerror(errno));
    return std::nullopt;
  }
  if (text.size() > kLargestFile) {
    why = fmt::format("larger than {} MB", kLargestFile >> 20U);
    return std::nullopt;
  }
  if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);  // byte order mark
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) {
    why = "there is nothing in this file";
    return std::nullopt;
  }
  if (!is_text(text, why, line)) return std::nullopt;
  return text;
}

}  // namespace sluice::config
