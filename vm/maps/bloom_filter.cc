#include "vm/maps/bloom_filter.h"

#include <algorithm>
#include <bit>
#include <cerrno>

namespace sluice::vm {
namespace {

constexpr unsigned kHashes = 5;  // when nobody says how many, as in the kernel
constexpr std::uint64_t kMostBits = std::uint64_t{1} << 32;

unsigned hashes_of(const MapSpec& spec) { return spec.extra == 0 ? kHashes : spec.extra; }

// Half of the bits are set when `max_entries` values are in: entries * hashes / ln 2 bits, 7/5 being close to 1/ln 2;
// a power of two, as in the kernel.
std::uint64_t bits_of(const MapSpec& spec) {
  const std::uint64_t bits = std::uint64_t{spec.max_entries} * hashes_of(spec) * 7 / 5;
  return std::clamp<std::uint64_t>(std::bit_ceil(bits), 64, kMostBits);
}

}  // namespace

BloomFilter::BloomFilter(const MapSpec& spec, unsigned cpus, MapMemory memory, std::uint64_t bits)
    : Queue(spec, cpus),
      memory_(std::move(memory)),
      words_(reinterpret_cast<std::uint64_t*>(memory_.take(bits / 8))),
      mask_(bits - 1),
      hashes_(hashes_of(spec)) {}

Result<std::unique_ptr<Map>> BloomFilter::make(const MapSpec& spec, unsigned cpus) {
  const std::uint64_t bits = bits_of(spec);
  Result<MapMemory> memory = MapMemory::reserve(MapMemory::padded(bits / 8));
  if (!memory) return std::move(memory).error();
  return std::unique_ptr<Map>(new BloomFilter(spec, cpus, std::move(*memory), bits));
}

std::uint64_t BloomFilter::bit(const std::byte* value, unsigned number) const noexcept {
  constexpr std::uint64_t kApart = 0x9e3779b97f4a7c15U;  // seeds far from one another
  return hash_(reinterpret_cast<const std::uint8_t*>(value), spec().value_size, kApart * (number + 1)) & mask_;
}

int BloomFilter::push(const std::byte* value, UpdateMode mode) noexcept {
  if (frozen()) return -EPERM;
  if (mode != UpdateMode::kAny) return -EINVAL;
  for (unsigned i = 0; i < hashes_; ++i) {
    const std::uint64_t at = bit(value, i);
    __atomic_fetch_or(&words_[at / 64], std::uint64_t{1} << at % 64, __ATOMIC_RELAXED);
  }
  return 0;
}

int BloomFilter::pop(std::byte* /*value*/) noexcept { return -EOPNOTSUPP; }

int BloomFilter::peek(std::byte* value) noexcept {
  for (unsigned i = 0; i < hashes_; ++i) {
    const std::uint64_t at = bit(value, i);
    if ((__atomic_load_n(&words_[at / 64], __ATOMIC_RELAXED) >> at % 64 & 1) == 0) return -ENOENT;
  }
  return 0;
}

std::byte* BloomFilter::lookup(const std::byte* /*key*/, unsigned /*cpu*/) noexcept { return nullptr; }
int BloomFilter::update(const std::byte* /*key*/, const std::byte* value, UpdateMode mode, unsigned /*cpu*/) noexcept {
  return push(value, mode);
}
int BloomFilter::erase(const std::byte* /*key*/) noexcept { return frozen() ? -EPERM : -EOPNOTSUPP; }
bool BloomFilter::next_key(const std::byte* /*key*/, std::byte* /*next*/) const { return false; }
int BloomFilter::read(const std::byte* /*key*/, std::byte* out) { return peek(out); }

}  // namespace sluice::vm
