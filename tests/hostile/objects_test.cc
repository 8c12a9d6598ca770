// Truncated and bit-flipped real objects from the file to the verifier's verdict: each is loaded, or refused with the
// object's name and a place in it; never a crash. Seeds are fixed: a failure can be repeated.
#include <cctype>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "helpers/table.h"
#include "tests/hostile/damage.h"
#include "verifier/verifier.h"
#include "vm/elf.h"

namespace sluice::hostile {
namespace {

constexpr std::string_view kName = "damaged.o";
constexpr unsigned kRounds = 40;                  // of each kind of damage and object
constexpr std::uint64_t kMostMapBytes = 1 << 20;  // larger maps are not made: this is no test of memory
constexpr std::uint32_t kSteps = 20'000;          // of the verifier, in each program

// Whether `text` says `offset N` of something named.
bool says_offset(std::string_view text) {
  constexpr std::string_view kOffset = "offset ";
  for (std::size_t at = text.find(kOffset); at != std::string_view::npos; at = text.find(kOffset, at + 1)) {
    std::size_t end = at + kOffset.size();
    while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])) != 0) ++end;
    if (end == at + kOffset.size()) continue;
    const std::string_view after = text.substr(end);
    const bool in_section = text.substr(0, at).ends_with("\": ") && text.find("section \"") < at;
    if (after.starts_with(" of \"") || after.starts_with(" of the file") || (in_section && after.starts_with(": "))) {
      return true;
    }
  }
  return false;
}

// The object, and the section and offset or the field of the ELF header that is wrong.
bool names_its_place(std::string_view message) {
  return message.starts_with(fmt::format("{}: ", kName)) &&
         (message.find("ELF header: ") != std::string_view::npos || says_offset(message));
}

struct Tally {
  std::size_t refused = 0, unmade = 0, rejected = 0, accepted = 0;
};

class Judge {
 public:
  void object(const Image& image, std::string_view how) {
    how_ = how;
    vm::ElfOptions options;
    options.unknown_type = &vm::xdp_type();
    auto object = vm::parse_elf(image, std::string(kName), options);
    if (!object) {
      ++tally_.refused;
      EXPECT_TRUE(names_its_place(object.error().message)) << how_ << ": " << object.error().message;
      return;
    }
    for (const vm::ListedProgram& other : object->others) {
      if (other.why.empty()) continue;
      EXPECT_TRUE(says_offset(other.why)) << how_ << ": " << other.why;
    }
    if (!limit_maps(*object)) return;
    const auto maps = vm::make_maps(*object, 1);
    if (!maps) {
      ++tally_.unmade;
      EXPECT_TRUE(names_its_place(maps.error().message)) << how_ << ": " << maps.error().message;
      return;
    }
    for (const vm::LoadedProgram& program : object->programs) verify(vm::bind(program, *maps));
  }

  [[nodiscard]] const Tally& tally() const { return tally_; }

 private:
  // False when a single value or key is too large.
  static bool limit_maps(vm::ElfObject& object) {
    for (vm::MapDecl& map : object.maps) {
      const std::uint64_t bytes = std::uint64_t{map.spec.key_size} + map.spec.value_size + 1;
      if (bytes > kMostMapBytes) return false;
      map.spec.max_entries = static_cast<std::uint32_t>(
          std::min<std::uint64_t>(std::max(1U, map.spec.max_entries), kMostMapBytes / bytes));
    }
    return true;
  }

  void verify(const vm::LoadedProgram& program) {
    const verifier::Outcome outcome =
        verifier::verify(program, helpers::table(), {.limits = {.processed = kSteps}, .allow_ptr_leaks = true});
    ++(outcome.accepted() ? tally_.accepted : tally_.rejected);
    if (outcome.accepted()) return;
    const verifier::Rejection& rejection = outcome.rejection();
    EXPECT_NE(rejection.code, "") << how_;
    EXPECT_NE(rejection.message, "") << how_;
    EXPECT_LT(rejection.insn, program.insns.size()) << how_ << ": " << rejection.message;
    EXPECT_NE(verifier::render(rejection, program), "") << how_;
  }

  std::string how_;
  Tally tally_;
};

const std::vector<RealObject>& objects() {
  static const std::vector<RealObject> all = real_objects();
  return all;
}

// Calls f(object, damage, judge) for each object, with a seed of its own.
template <typename F>
Tally each_object(F&& f) {
  Judge judge;
  std::uint32_t seed = 20261126;
  for (const RealObject& object : objects()) {
    Damage damage(seed++);
    f(object, damage, judge);
    if (testing::Test::HasFailure()) break;
  }
  const Tally& tally = judge.tally();
  fmt::print("{} objects: {} refused, {} with maps refused; programs: {} rejected, {} accepted\n", objects().size(),
             tally.refused, tally.unmade, tally.rejected, tally.accepted);
  return tally;
}

Image cut(const Image& image, std::size_t size) {
  return {image.begin(), image.begin() + static_cast<std::ptrdiff_t>(size)};
}

TEST(HostileObjects, ThereAreSome) { EXPECT_GE(objects().size(), 20U); }

TEST(HostileObjects, TruncatedFilesAreRefusedByName) {
  std::size_t cuts = 0;
  const Tally tally = each_object([&](const RealObject& object, Damage& damage, Judge& judge) {
    std::vector<std::size_t> sizes = {0, 1, 3, 4, 5, 63, 64, 65, object.image.size() - 64, object.image.size() - 1};
    for (unsigned i = 0; i < kRounds; ++i) sizes.push_back(damage.below(object.image.size()));
    for (const std::size_t size : sizes) {
      judge.object(cut(object.image, size), fmt::format("{}, {} bytes", object.name, size));
    }
    cuts += sizes.size();
  });
  EXPECT_EQ(tally.refused, cuts);  // LLVM writes the section table last
}

TEST(HostileObjects, TruncatedBehindTheirSectionTableAreSurvived) {
  const Tally tally = each_object([](const RealObject& object, Damage& damage, Judge& judge) {
    const Image image = with_table_in_front(object.image);
    judge.object(image, object.name + ", table in front");
    for (unsigned i = 0; i < kRounds; ++i) {
      const std::size_t size = damage.below(image.size());
      judge.object(cut(image, size), fmt::format("{}, table in front, {} bytes", object.name, size));
    }
  });
  EXPECT_GE(tally.refused, objects().size() * kRounds / 2);
  EXPECT_GE(tally.accepted, objects().size() / 2);  // those that are whole
}

TEST(HostileObjects, WithASectionCutShortAreSurvived) {
  const Tally tally = each_object([](const RealObject& object, Damage& damage, Judge& judge) {
    for (unsigned i = 0; i < kRounds; ++i) {
      judge.object(damage.cut_section(object.image), fmt::format("{}, section cut, round {}", object.name, i));
    }
  });
  EXPECT_GE(tally.refused, objects().size());
}

TEST(HostileObjects, WithFlippedBitsAreSurvived) {
  const Tally tally = each_object([](const RealObject& object, Damage& damage, Judge& judge) {
    const auto list = areas(object.image);
    for (unsigned i = 0; i < kRounds; ++i) {
      judge.object(damage.flip_bits(object.image, list), fmt::format("{}, bits, round {}", object.name, i));
    }
  });
  EXPECT_GE(tally.refused, objects().size());
  EXPECT_GE(tally.rejected, objects().size() / 4);
}

TEST(HostileObjects, WithChangedWordsAreSurvived) {
  const Tally tally = each_object([](const RealObject& object, Damage& damage, Judge& judge) {
    const auto list = areas(object.image);
    for (unsigned i = 0; i < kRounds; ++i) {
      judge.object(damage.change_bytes(object.image, list), fmt::format("{}, words, round {}", object.name, i));
    }
  });
  EXPECT_GE(tally.refused, objects().size());
}

}  // namespace
}  // namespace sluice::hostile
