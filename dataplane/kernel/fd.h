#pragma once
// A file descriptor that closes itself. One owner.
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace sluice::kernel {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int number) : number_(number) {}  // takes ownership; negative = none
  Fd(Fd&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Fd() {
    if (number_ >= 0) close(number_);
  }
  // Another descriptor of the same thing; none when there is none or no more can be had.
  [[nodiscard]] Fd duplicate() const { return Fd(number_ >= 0 ? fcntl(number_, F_DUPFD_CLOEXEC, 0) : -1); }
  [[nodiscard]] int get() const noexcept { return number_; }
  explicit operator bool() const noexcept { return number_ >= 0; }

 private:
  int number_ = -1;
};

}  // namespace sluice::kernel
