#include "dataplane/io/hush.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdio>

namespace sluice::io {

Hush::Hush(bool on) {
  if (!on) return;
  memory_ = memfd_create("stderr", MFD_CLOEXEC);
  saved_ = memory_ < 0 ? -1 : fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
  if (saved_ < 0) return;
  std::fflush(stderr);
  dup2(memory_, STDERR_FILENO);
}

Hush::~Hush() {
  if (saved_ >= 0) {
    std::fflush(stderr);
    dup2(saved_, STDERR_FILENO);
    close(saved_);
  }
  if (memory_ >= 0) close(memory_);
}

std::string Hush::last_line() const {
  if (saved_ < 0) return {};
  std::fflush(stderr);
  std::array<char, 512> tail{};
  const off_t size = lseek(memory_, 0, SEEK_END);
  const off_t from = size > static_cast<off_t>(tail.size()) ? size - static_cast<off_t>(tail.size()) : 0;
  const ssize_t count = pread(memory_, tail.data(), tail.size(), from);
  if (count <= 0) return {};
  std::string text(tail.data(), static_cast<std::size_t>(count));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

}  // namespace sluice::io
