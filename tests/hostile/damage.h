#pragma once
// Real objects and seeded damage to them. One thread.
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace sluice::hostile {

using Image = std::vector<std::byte>;

struct RealObject {
  std::string name;
  Image image;
};

// One object of each source of tests/objects and programs/, those of Debian's xdp-tools and xdp-tests, and the one
// inside libknot13's library; the packaged ones only where they are installed.
std::vector<RealObject> real_objects();

// The same object with its section table in front, as other linkers write it: what is cut off is then a section's
// bytes.
Image with_table_in_front(const Image& image);

// Bytes that loaders read: the ELF header, the section table, and each section but debuggers'.
struct Area {
  std::size_t offset = 0, size = 0;
};
std::vector<Area> areas(const Image& image);

// Damage by a seed: the same seed gives the same bytes.
class Damage {
 public:
  explicit Damage(std::uint32_t seed) : random_(seed) {}

  // 1 to 8 bits of one area, each area as likely as another.
  Image flip_bits(const Image& image, const std::vector<Area>& areas);
  // 1 to 4 bytes anywhere in the areas, with what it is that programs break on.
  Image change_bytes(const Image& image, const std::vector<Area>& areas);
  // A shorter size in one section's header.
  Image cut_section(const Image& image);
  // Less than `limit`, which is not 0.
  std::size_t below(std::size_t limit);

 private:
  std::mt19937 random_;
};

}  // namespace sluice::hostile
