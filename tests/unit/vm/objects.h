#pragma once
// The objects tests/objects builds, for tests of the loader.
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "vm/elf.h"

namespace sluice::vm {

inline std::string object_path(const std::string& name) { return std::string(SLUICE_TEST_OBJECTS) + "/" + name; }

// The object of that name, which must be good.
inline ElfObject load(const std::string& name) {
  auto object = load_elf(object_path(name));
  if (!object) {
    ADD_FAILURE() << object.error().message;
    return {};
  }
  return std::move(*object);
}

// Its map of that name, or null.
inline const MapDecl* find_map(const ElfObject& object, std::string_view name) {
  for (const MapDecl& map : object.maps) {
    if (map.spec.name == name) return &map;
  }
  return nullptr;
}

// What is said against it.
inline std::string refusal(const std::string& name) {
  const auto object = load_elf(object_path(name));
  return object ? "accepted" : object.error().message;
}

inline std::vector<std::byte> read_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  return {first, first + text.size()};
}

// "STEM.c14.v1.o", ... for all compilers and versions; with `suffix` ".plain.o" those without BTF.
inline std::vector<std::string> variants(const std::string& stem, const std::string& suffix = ".o") {
  std::vector<std::string> names;
  for (const char* middle : {".c14.v1", ".c14.v2", ".c14.v3", ".c19.v1", ".c19.v2", ".c19.v3", ".c19.v4"}) {
    names.push_back(stem + middle + suffix);
  }
  return names;
}

}  // namespace sluice::vm
