#include "tests/hostile/damage.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string_view>

namespace sluice::hostile {
namespace {

namespace fs = std::filesystem;

template <typename T>
T get(const Image& image, std::size_t at) {
  T value{};
  if (at + sizeof(T) <= image.size()) std::memcpy(&value, image.data() + at, sizeof(T));
  return value;
}

template <typename T>
void put(Image& image, std::size_t at, const T& value) {
  if (at + sizeof(T) <= image.size()) std::memcpy(image.data() + at, &value, sizeof(T));
}

Image read_file(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  const auto* const first = reinterpret_cast<const std::byte*>(text.data());
  return {first, first + text.size()};
}

// The last variant of each source in a folder: names go `stem.variant.o`.
void add_folder(const fs::path& folder, std::vector<RealObject>& objects) {
  std::map<std::string, fs::path> by_stem;
  if (!fs::is_directory(folder)) return;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string file = entry.path().filename().string();
    if (!file.ends_with(".o") || entry.is_directory()) continue;
    const bool plain = file.find(".plain") != std::string::npos;
    fs::path& best = by_stem[file.substr(0, file.find('.')) + (plain ? " without types" : "")];
    if (best < entry.path()) best = entry.path();
  }
  for (const auto& [stem, path] : by_stem) objects.push_back({path.filename().string(), read_file(path)});
}

std::size_t end_of_object(const Image& image, std::size_t at) {
  const auto header = get<Elf64_Ehdr>(image, at);
  std::size_t end = header.e_shoff + std::size_t{header.e_shnum} * sizeof(Elf64_Shdr);
  for (unsigned i = 0; i < header.e_shnum; ++i) {
    const auto section = get<Elf64_Shdr>(image, at + header.e_shoff + i * sizeof(Elf64_Shdr));
    if (section.sh_type != SHT_NOBITS) end = std::max<std::size_t>(end, section.sh_offset + section.sh_size);
  }
  return end;
}

// BPF objects in the data of a library.
void add_embedded(const fs::path& library, std::vector<RealObject>& objects) {
  const Image image = read_file(library);
  const std::string_view text(reinterpret_cast<const char*>(image.data()), image.size());
  for (std::size_t at = text.find(ELFMAG, 1); at != std::string_view::npos; at = text.find(ELFMAG, at + 1)) {
    const auto header = get<Elf64_Ehdr>(image, at);
    if (header.e_type != ET_REL || header.e_machine != EM_BPF) continue;
    const std::size_t size = end_of_object(image, at);
    if (size > image.size() - at) continue;
    const auto first = image.begin() + static_cast<std::ptrdiff_t>(at);
    objects.push_back({library.filename().string(), Image(first, first + static_cast<std::ptrdiff_t>(size))});
  }
}

}  // namespace

std::vector<RealObject> real_objects() {
  std::vector<RealObject> objects;
  add_folder(SLUICE_TEST_OBJECTS, objects);
  add_folder(SLUICE_PROGRAMS, objects);
  add_folder(SLUICE_PACKAGED_BPF, objects);
  add_folder("/usr/libexec/xdp-tools", objects);
  const fs::path library = fs::path(SLUICE_PACKAGED_BPF).parent_path() / "libknot.so.13";
  if (fs::exists(library)) add_embedded(library, objects);
  return objects;
}

Image with_table_in_front(const Image& image) {
  auto header = get<Elf64_Ehdr>(image, 0);
  const std::size_t table = std::size_t{header.e_shnum} * sizeof(Elf64_Shdr);
  Image moved(image.size() + table);
  std::memcpy(moved.data() + sizeof(header) + table, image.data() + sizeof(header), image.size() - sizeof(header));
  for (unsigned i = 0; i < header.e_shnum; ++i) {
    auto section = get<Elf64_Shdr>(image, header.e_shoff + i * sizeof(Elf64_Shdr));
    if (section.sh_type != SHT_NULL) section.sh_offset += table;
    put(moved, sizeof(header) + i * sizeof(Elf64_Shdr), section);
  }
  header.e_shoff = sizeof(header);
  put(moved, 0, header);
  return moved;
}

std::vector<Area> areas(const Image& image) {
  const auto header = get<Elf64_Ehdr>(image, 0);
  std::vector<Area> found = {{0, sizeof(header)}, {header.e_shoff, std::size_t{header.e_shnum} * sizeof(Elf64_Shdr)}};
  const auto names = get<Elf64_Shdr>(image, header.e_shoff + header.e_shstrndx * sizeof(Elf64_Shdr));
  for (unsigned i = 1; i < header.e_shnum; ++i) {
    const auto section = get<Elf64_Shdr>(image, header.e_shoff + i * sizeof(Elf64_Shdr));
    const std::string_view name(reinterpret_cast<const char*>(image.data()) + names.sh_offset + section.sh_name);
    if (section.sh_type == SHT_NOBITS || section.sh_size == 0 || name.find("debug") != std::string_view::npos) continue;
    found.push_back({section.sh_offset, section.sh_size});
  }
  return found;
}

std::size_t Damage::below(std::size_t limit) {
  return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_);
}

Image Damage::flip_bits(const Image& image, const std::vector<Area>& areas) {
  Image damaged = image;
  const Area& area = areas[below(areas.size())];
  for (std::size_t n = 1 + below(8); n != 0; --n) {
    damaged[area.offset + below(area.size)] ^= static_cast<std::byte>(1U << below(8));
  }
  return damaged;
}

Image Damage::change_bytes(const Image& image, const std::vector<Area>& areas) {
  constexpr std::uint32_t kOdd[] = {0,      1,      7,       8,          0x7f,       0xff,
                                    0xfff0, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff};
  Image damaged = image;
  for (std::size_t n = 1 + below(4); n != 0; --n) {
    const Area& area = areas[below(areas.size())];
    put(damaged, (area.offset + below(area.size)) & ~std::size_t{3}, kOdd[below(std::size(kOdd))]);
  }
  return damaged;
}

Image Damage::cut_section(const Image& image) {
  Image damaged = image;
  const auto header = get<Elf64_Ehdr>(image, 0);
  const std::size_t at = header.e_shoff + (1 + below(header.e_shnum - 1U)) * sizeof(Elf64_Shdr);
  auto section = get<Elf64_Shdr>(image, at);
  if (section.sh_size != 0) section.sh_size = below(section.sh_size);
  put(damaged, at, section);
  return damaged;
}

}  // namespace sluice::hostile
