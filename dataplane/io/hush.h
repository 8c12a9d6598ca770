#pragma once
// Keeps what libraries print to standard error by themselves while a device is opened, for our own error texts. The
// process must have no other thread that prints then. Main thread.
#include <string>

namespace sluice::io {

class Hush {
 public:
  explicit Hush(bool on);
  Hush(const Hush&) = delete;
  Hush& operator=(const Hush&) = delete;
  ~Hush();

  // The last line printed since, without line end; may be empty.
  [[nodiscard]] std::string last_line() const;

 private:
  int saved_ = -1;   // the real standard error
  int memory_ = -1;  // what stands in for it
};

}  // namespace sluice::io
