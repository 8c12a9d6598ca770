// Damaged objects: whatever the bytes are, the loader answers with an error or with an object whose references are all
// inside. Seeds are fixed: a failure can be repeated.
#include <cstring>
#include <random>

#include <gtest/gtest.h>

#include "tests/unit/vm/objects.h"
#include "vm/elf.h"

namespace sluice::vm {
namespace {

constexpr unsigned kRounds = 400;  // a kind of damage and an object

void expect_sound(const ElfObject& object) {
  for (const LoadedProgram& program : object.programs) {
    ASSERT_FALSE(program.insns.empty());
    ASSERT_FALSE(program.subprograms.empty());
    EXPECT_EQ(program.subprograms[0].start, 0U);
    for (std::size_t i = 1; i < program.subprograms.size(); ++i) {
      EXPECT_LT(program.subprograms[i - 1].start, program.subprograms[i].start);
      EXPECT_LT(program.subprograms[i].start, program.insns.size());
    }
    for (const SourceLine& line : program.lines) EXPECT_LT(line.insn, program.insns.size());
  }
  for (const MapDecl& map : object.maps) {
    if (map.origin != MapDecl::Origin::kDeclared) {
      EXPECT_EQ(map.initial.size(), map.spec.value_size);
    }
    if (object.btf) {
      EXPECT_LE(map.spec.key_type, object.btf->type_count());
      EXPECT_LE(map.spec.value_type, object.btf->type_count());
    }
  }
  if (object.btf) {
    EXPECT_FALSE(object.btf->to_c().empty() && object.btf->type_count() == 0);
    for (std::uint32_t id = 0; id <= object.btf->type_count(); ++id) {
      (void)object.btf->size(id);
      (void)object.btf->members(id);
      (void)object.btf->enumerators(id);
    }
  }
}

// Runs the loader; true when it accepted.
bool survive(const std::vector<std::byte>& image) {
  auto object = parse_elf(image, "damaged.o");
  if (!object) {
    EXPECT_FALSE(object.error().message.empty());
    return false;
  }
  expect_sound(*object);
  return true;
}

struct Area {
  std::size_t offset, size;
};

std::uint64_t word(const std::vector<std::byte>& image, std::size_t at) {
  std::uint64_t value = 0;
  std::memcpy(&value, image.data() + at, 8);
  return value;
}

// What the loader reads: the ELF header, the section table, and all sections but debuggers'.
std::vector<Area> areas(const std::vector<std::byte>& image) {
  std::vector<Area> found = {{0, 64}};
  const std::size_t table = word(image, 40);
  const std::size_t count = word(image, 60) & 0xffff;
  found.push_back({table, count * 64});
  const std::size_t names = word(image, table + (word(image, 62) & 0xffff) * 64 + 24);
  for (std::size_t i = 1; i < count; ++i) {
    const std::size_t header = table + 64 * i;
    const auto* name = reinterpret_cast<const char*>(image.data()) + names + (word(image, header) & 0xffffffff);
    const bool is_zero = (word(image, header + 4) & 0xffffffff) == 8;  // SHT_NOBITS
    if (std::strstr(name, "debug") != nullptr || is_zero || word(image, header + 32) == 0) continue;
    found.push_back({word(image, header + 24), word(image, header + 32)});
  }
  return found;
}

class Damage : public testing::TestWithParam<const char*> {
 protected:
  const std::vector<std::byte> image_ = read_file(object_path(GetParam()));
  std::mt19937 random_{20240601};

  std::size_t below(std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_); }
  std::size_t place(const std::vector<Area>& list) {
    const Area& area = list[below(list.size())];
    return area.offset + below(area.size);
  }
};

TEST_P(Damage, TheUndamagedObjectIsAccepted) { EXPECT_TRUE(survive(image_)); }

TEST_P(Damage, OfSingleBytesIsSurvived) {
  const auto list = areas(image_);
  unsigned refused = 0;
  for (unsigned round = 0; round < kRounds && !HasFailure(); ++round) {
    auto image = image_;
    image[place(list)] = static_cast<std::byte>(random_());
    refused += survive(image) ? 0 : 1;
  }
  EXPECT_GT(refused, kRounds / 20);  // the damage hits what matters
}

TEST_P(Damage, OfWholeWordsIsSurvived) {
  const auto list = areas(image_);
  constexpr std::uint32_t kOdd[] = {0,      1,      7,       8,          0x7f,       0xff,
                                    0xfff0, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff};
  for (unsigned round = 0; round < kRounds && !HasFailure(); ++round) {
    auto image = image_;
    for (std::size_t n = 1 + below(4); n != 0; --n) {
      const std::size_t at = place(list) & ~std::size_t{3};
      const std::uint32_t value = below(2) == 0 ? kOdd[below(std::size(kOdd))] : static_cast<std::uint32_t>(random_());
      if (at + 4 <= image.size()) std::memcpy(image.data() + at, &value, 4);
    }
    survive(image);
  }
}

TEST_P(Damage, OfTheSectionTableIsSurvived) {
  const Area table = areas(image_)[1];
  for (unsigned round = 0; round < kRounds && !HasFailure(); ++round) {
    auto image = image_;
    const std::size_t at = table.offset + 4 * below(table.size / 4);
    const auto value = static_cast<std::uint32_t>(random_() >> below(32));
    std::memcpy(image.data() + at, &value, 4);
    survive(image);
  }
}

// LLVM writes the section table last, so whatever is cut off damages it.
TEST_P(Damage, ByCuttingIsRefusedWhateverTheLength) {
  const Area table = areas(image_)[1];
  ASSERT_EQ(table.offset + table.size, image_.size());
  for (std::size_t size = 0; size < image_.size() && !HasFailure(); ++size) {
    const std::vector<std::byte> cut(image_.begin(), image_.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(survive(cut)) << size << " of " << image_.size() << " bytes";
  }
}

TEST_P(Damage, ByCuttingTheSectionTableIsSaidSo) {
  for (const std::size_t missing : {1U, 63U, 64U}) {
    const auto object = parse_elf(std::span(image_).first(image_.size() - missing), "damaged.o");
    ASSERT_FALSE(object);
    EXPECT_NE(object.error().message.find("which may be cut off"), std::string::npos) << object.error().message;
  }
}

INSTANTIATE_TEST_SUITE_P(Objects, Damage,
                         testing::Values("calls.c19.v3.o", "callbacks.c14.v1.o", "globals.c19.v4.o", "maps.c19.v3.o",
                                         "types.c19.v3.o", "globals.c14.v2.plain.o"));

}  // namespace
}  // namespace sluice::vm
