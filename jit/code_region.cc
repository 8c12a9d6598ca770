#include "jit/code_region.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

namespace sluice::jit {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::int64_t kReach = (std::int64_t{1} << 31) - (std::int64_t{1} << 27);  // of a 32-bit call, with a margin
constexpr std::uint64_t kStep = std::uint64_t{32} << 20;                            // distance between the places tried
constexpr unsigned kTries = 48;
constexpr std::byte kTrap{0xcc};  // int3: what stands behind the code

Error failed(const char* what) {
  return {ErrorCode::kEnvironment, std::string("memory for machine code: ") + what + ": " + std::strerror(errno)};
}

// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

void* map_nothing_at(std::uint64_t hint, std::size_t bytes) {
  return mmap(reinterpret_cast<void*>(hint), bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

bool in_reach(const void* at, const void* anchor) {
  const auto distance =
      static_cast<std::int64_t>(reinterpret_cast<std::uint64_t>(at) - reinterpret_cast<std::uint64_t>(anchor));
  return distance > -kReach && distance < kReach;
}

// The hint is only a wish: the kernel goes elsewhere when the place is taken.
void* map_nothing_near(const void* anchor, std::size_t bytes) {
  const std::uint64_t from = reinterpret_cast<std::uint64_t>(anchor) & ~(std::uint64_t{kPage} - 1);
  for (unsigned i = 1; i <= kTries; ++i) {
    const std::uint64_t below = i * kStep + bytes;
    if (from <= below) break;
    void* const at = map_nothing_at((from - below) & ~(std::uint64_t{kPage} - 1), bytes);
    if (at == MAP_FAILED) return at;
    if (in_reach(at, anchor)) return at;
    munmap(at, bytes);
  }
  return map_nothing_at(0, bytes);
}

// Copies `code` into the object through an alias that is gone on return.
bool fill(int fd, std::span<const std::byte> code, std::size_t bytes) {
  void* const alias = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (alias == MAP_FAILED) return false;
  std::memcpy(alias, code.data(), code.size());
  std::memset(static_cast<std::byte*>(alias) + code.size(), std::to_integer<int>(kTrap), bytes - code.size());
  return munmap(alias, bytes) == 0;
}

}  // namespace

Result<std::unique_ptr<CodeRegion>> CodeRegion::reserve(std::size_t bytes, const void* anchor) {
  const std::size_t mapped = (bytes + kPage) & ~(kPage - 1);  // at least one trap behind the code
  void* const base = map_nothing_near(anchor, mapped);
  if (base == MAP_FAILED) return failed("mmap");
  return std::unique_ptr<CodeRegion>(new CodeRegion(static_cast<std::byte*>(base), mapped));
}

Result<void> CodeRegion::publish(std::span<const std::byte> code) {
  SLUICE_CHECK(used_ == 0 && code.size() < mapped_);
  const Descriptor object(memfd_create("sluice-code", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (object.get() < 0) return failed("memfd_create");
  if (ftruncate(object.get(), static_cast<off_t>(mapped_)) != 0) return failed("ftruncate");
  if (!fill(object.get(), code, mapped_)) return failed("mmap");
  // From here on nobody can get a writable mapping of the object any more, mprotect included.
  if (fcntl(object.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0) {
    return failed("sealing");
  }
  if (mmap(base_, mapped_, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, object.get(), 0) == MAP_FAILED) {
    return failed("mmap of executable pages");
  }
  used_ = code.size();
  return {};
}

CodeRegion::~CodeRegion() { munmap(base_, mapped_); }

}  // namespace sluice::jit
