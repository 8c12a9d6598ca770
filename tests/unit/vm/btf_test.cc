#include "vm/btf.h"

#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/vm/objects.h"
#include "vm/elf.h"

namespace sluice::vm {
namespace {

using testing::HasSubstr;

// A raw section, built record by record.
class Section {
 public:
  std::uint32_t string(std::string_view text) {
    const auto at = static_cast<std::uint32_t>(strings_.size());
    strings_.append(text).push_back('\0');
    return at;
  }
  Section& words(std::initializer_list<std::uint32_t> values) {
    types_.insert(types_.end(), values);
    return *this;
  }
  // name, kind, count, size or type, and what follows.
  Section& type(std::uint32_t name, std::uint32_t kind, std::uint32_t count, std::uint32_t size_or_type,
                std::initializer_list<std::uint32_t> extra = {}) {
    return words({name, kind << 24 | count, size_or_type}).words(extra);
  }
  [[nodiscard]] std::vector<std::byte> bytes() const {
    const auto types_size = static_cast<std::uint32_t>(4 * types_.size());
    const std::uint32_t header[] = {0x0001eb9f, 24,         0,
                                    types_size, types_size, static_cast<std::uint32_t>(strings_.size())};
    std::vector<std::byte> out(24 + types_size + strings_.size());
    std::memcpy(out.data(), header, 24);
    if (types_size != 0) std::memcpy(out.data() + 24, types_.data(), types_size);
    std::memcpy(out.data() + 24 + types_size, strings_.data(), strings_.size());
    return out;
  }
  [[nodiscard]] std::string refusal() const {
    auto btf = Btf::parse(bytes());
    return btf ? "accepted" : btf.error().message;
  }

 private:
  std::vector<std::uint32_t> types_;
  std::string strings_ = std::string(1, '\0');
};

enum : std::uint32_t { kInt = 1, kPtr, kArray, kStruct, kUnion, kEnum, kFwd, kTypedef, kVolatile, kConst };
enum : std::uint32_t { kFunc = 12, kFuncProto = 13, kVar = 14, kDatasec = 15, kEnum64 = 19 };

std::shared_ptr<const Btf> of_object(const std::string& name) {
  auto object = load_elf(object_path(name));
  EXPECT_TRUE(object);
  return object ? object->btf : nullptr;
}

const Btf::Member* member(const std::vector<Btf::Member>& members, std::string_view name) {
  for (const Btf::Member& m : members) {
    if (m.name == name) return &m;
  }
  return nullptr;
}

TEST(Btf, StructsAreReadAsTheCompilerLaidThemOut) {
  for (const std::string& name : variants("types")) {
    SCOPED_TRACE(name);
    const auto shared = of_object(name);
    ASSERT_NE(shared, nullptr);
    const Btf& btf = *shared;
    const std::uint32_t kinds = btf.find("kinds");
    ASSERT_NE(kinds, 0U);
    EXPECT_EQ(btf.kind(kinds), Btf::Kind::kStruct);
    const auto members = btf.members(kinds);
    const Btf::Member* bytes = member(members, "bytes");
    ASSERT_NE(bytes, nullptr);
    EXPECT_EQ(btf.array(bytes->type).count, 6U);
    EXPECT_EQ(btf.size(bytes->type), 6U);
    EXPECT_TRUE(btf.has_typedef(btf.array(bytes->type).element_type, "__u8"));
    EXPECT_TRUE(btf.is_bool(member(members, "flag")->type));
    EXPECT_TRUE(btf.is_signed(member(members, "small")->type));
    EXPECT_FALSE(btf.is_signed(btf.array(bytes->type).element_type));
    EXPECT_EQ(member(members, "small")->bit_offset, 56U);
    EXPECT_EQ(member(members, "low")->bit_size, 3U);
    EXPECT_EQ(member(members, "high")->bit_size, 29U);
    EXPECT_EQ(member(members, "high")->bit_offset, member(members, "low")->bit_offset + 3);
    const auto inner = btf.members(member(members, "")->type);
    const Btf::Member* v4 = member(inner, "v4");
    ASSERT_NE(v4, nullptr);
    EXPECT_TRUE(btf.has_typedef(v4->type, "__be32"));
    EXPECT_TRUE(btf.has_typedef(v4->type, "address"));
    EXPECT_FALSE(btf.has_typedef(v4->type, "__be16"));
    EXPECT_EQ(btf.name(v4->type), "address");
    EXPECT_EQ(btf.kind(v4->type), Btf::Kind::kInt);
    EXPECT_EQ(btf.size(v4->type), 4U);
    EXPECT_EQ(btf.strip(btf.pointee(member(members, "next")->type)), kinds);
    EXPECT_EQ(btf.kind(btf.pointee(member(members, "other")->type)), Btf::Kind::kForward);
    EXPECT_EQ(btf.kind(btf.pointee(member(members, "call")->type)), Btf::Kind::kFunction);
    EXPECT_EQ(btf.kind(member(members, "real")->type), Btf::Kind::kFloat);
    EXPECT_EQ(btf.size(member(members, "constant")->type), 8U);
    EXPECT_EQ(btf.size(member(members, "next")->type), 8U);
    EXPECT_EQ(btf.kind(member(members, "")->type), Btf::Kind::kUnion);
  }
}

TEST(Btf, EnumeratorsKeepSignAndWidth) {
  for (const std::string& name : variants("types")) {
    SCOPED_TRACE(name);
    const auto shared = of_object(name);
    ASSERT_NE(shared, nullptr);
    const Btf& btf = *shared;
    EXPECT_EQ(btf.enumerator("GREEN"), 5);
    EXPECT_EQ(btf.enumerator("BLUE"), 0xffffffffLL);
    EXPECT_EQ(btf.enumerator("PURPLE"), std::nullopt);
    EXPECT_EQ(btf.enumerators(btf.find("color")).size(), 3U);
    EXPECT_FALSE(btf.is_signed(btf.find("color")));
  }
  const auto shared = of_object("types.c19.v3.o");
  ASSERT_NE(shared, nullptr);
  const Btf& btf = *shared;  // clang 14 has no 64-bit enums in BTF
  EXPECT_EQ(btf.enumerator("HUGE_ONE"), 0x100000000LL);
  EXPECT_EQ(btf.enumerator("COLD"), -40);  // nor the sign of the others
  EXPECT_TRUE(btf.is_signed(btf.find("temperature")));
  EXPECT_EQ(btf.size(btf.find("huge")), 8U);
}

TEST(Btf, TypesAreWrittenAsC) {
  const auto shared = of_object("types.c19.v3.o");
  ASSERT_NE(shared, nullptr);
  const Btf& btf = *shared;
  const std::string text = btf.to_c();
  EXPECT_THAT(text, HasSubstr("struct kinds {"));
  EXPECT_THAT(text, HasSubstr("typedef __be32 address;"));
  EXPECT_THAT(text, HasSubstr("GREEN = 5"));
}

TEST(Btf, IdsOutOfRangeBehaveAsVoid) {
  const auto shared = of_object("types.c19.v3.o");
  ASSERT_NE(shared, nullptr);
  const Btf& btf = *shared;
  for (const std::uint32_t id : {0U, btf.type_count() + 1, UINT32_MAX}) {
    EXPECT_EQ(btf.strip(id), 0U);
    EXPECT_EQ(btf.kind(id), Btf::Kind::kVoid);
    EXPECT_EQ(btf.name(id), "");
    EXPECT_EQ(btf.size(id), 0U);
    EXPECT_FALSE(btf.is_signed(id));
    EXPECT_FALSE(btf.is_bool(id));
    EXPECT_TRUE(btf.members(id).empty());
    EXPECT_TRUE(btf.enumerators(id).empty());
    EXPECT_EQ(btf.array(id).count, 0U);
    EXPECT_EQ(btf.pointee(id), 0U);
    EXPECT_FALSE(btf.has_typedef(id, "x"));
  }
  EXPECT_TRUE(btf.variables(".nothing").empty());
  EXPECT_EQ(btf.string_at(UINT32_MAX), "");
  EXPECT_EQ(btf.find("no such type"), 0U);
  EXPECT_EQ(btf.find(""), 0U);
}

TEST(Btf, DamagedHeadersAreRefused) {
  Section good;
  good.type(good.string("int"), kInt, 0, 4, {32});
  EXPECT_EQ(good.refusal(), "accepted");
  const auto bytes = good.bytes();
  const auto with = [&bytes](std::size_t word, std::uint32_t value) {
    auto changed = bytes;
    std::memcpy(changed.data() + 4 * word, &value, 4);
    auto btf = Btf::parse(changed);
    return btf ? std::string("accepted") : btf.error().message;
  };
  EXPECT_THAT(with(0, 0x00019feb), HasSubstr("magic"));
  EXPECT_THAT(with(0, 0x0002eb9f), HasSubstr("version"));
  EXPECT_THAT(with(1, 20), HasSubstr("header length"));
  EXPECT_THAT(with(1, 0xffffffff), HasSubstr("header length"));
  EXPECT_THAT(with(2, 2), HasSubstr("types lie outside"));
  EXPECT_THAT(with(3, 0xfffffff0), HasSubstr("types lie outside"));
  EXPECT_THAT(with(3, 12), HasSubstr("cut off"));
  EXPECT_THAT(with(4, 0xfffffff0), HasSubstr("strings lie outside"));
  EXPECT_THAT(with(5, 0), HasSubstr("strings do not start"));
  EXPECT_THAT(with(5, 2), HasSubstr("strings do not start"));
  for (std::size_t size = 0; size < 24; ++size) EXPECT_FALSE(Btf::parse(std::span(bytes).first(size)));
}

TEST(Btf, ReferencesOutOfRangeAreRefused) {
  const auto refused = [](std::uint32_t kind, std::uint32_t count, std::uint32_t size_or_type,
                          std::initializer_list<std::uint32_t> extra) {
    Section section;
    section.type(section.string("x"), kind, count, size_or_type, extra);
    EXPECT_THAT(section.refusal(), HasSubstr("is not there")) << "kind " << kind;
  };
  refused(kPtr, 0, 2, {});
  refused(kTypedef, 0, 9, {});
  refused(kArray, 0, 0, {7, 0, 1});
  refused(kArray, 0, 0, {0, 7, 1});
  refused(kStruct, 1, 4, {0, 5, 0});
  refused(kStruct, 1, 4, {99, 0, 0});
  refused(kUnion, 1, 4, {0, 5, 0});
  refused(kEnum, 1, 4, {99, 0});
  refused(kEnum64, 1, 8, {99, 0, 0});
  refused(kFunc, 0, 0, {});
  refused(kFunc, 0, 2, {});
  refused(kFuncProto, 1, 0, {0, 5});
  refused(kFuncProto, 0, 5, {});
  refused(kVar, 0, 5, {0});
  refused(kDatasec, 1, 4, {1, 0, 4});
  refused(17, 0, 5, {0});
  Section unknown;
  unknown.type(0, 20, 0, 0);
  EXPECT_THAT(unknown.refusal(), HasSubstr("unknown kind 20"));
  Section name;
  name.type(77, kPtr, 0, 0);
  EXPECT_THAT(name.refusal(), HasSubstr("is not there"));
}

TEST(Btf, TypesThatContainThemselvesAreRefused) {
  Section pointer;
  pointer.type(0, kPtr, 0, 1);
  EXPECT_THAT(pointer.refusal(), HasSubstr("contains itself"));
  Section typedefs;
  typedefs.type(typedefs.string("a"), kTypedef, 0, 2).type(typedefs.string("b"), kTypedef, 0, 1);
  EXPECT_THAT(typedefs.refusal(), HasSubstr("contains itself"));
  Section structs;
  structs.type(structs.string("s"), kStruct, 1, 4, {0, 1, 0});
  EXPECT_THAT(structs.refusal(), HasSubstr("contains itself"));
  Section list;  // struct s { struct s *next; }: fine
  list.type(list.string("s"), kStruct, 1, 8, {0, 2, 0}).type(0, kPtr, 0, 1);
  EXPECT_EQ(list.refusal(), "accepted");
}

TEST(Btf, TypesThatWouldFillTooManyLinesAreNotWrittenAsC) {
  Section doubling;  // each anonymous struct holds the next one twice
  for (std::uint32_t i = 1; i <= 60; ++i) doubling.type(0, kStruct, 2, 4, {0, i + 1, 0, 0, i + 1, 0});
  doubling.type(doubling.string("int"), kInt, 0, 4, {32});
  auto wide = Btf::parse(doubling.bytes());
  ASSERT_TRUE(wide);
  EXPECT_THAT(wide->to_c(), HasSubstr("too deeply"));
  Section far;  // the C of struct s would be padding up to a member half a gigabyte away
  far.type(far.string("s"), kStruct, 1, 4, {far.string("m"), 2, 0xfffffff8});
  far.type(far.string("int"), kInt, 0, 4, {32});
  auto padded = Btf::parse(far.bytes());
  ASSERT_TRUE(padded);
  EXPECT_THAT(padded->to_c(), HasSubstr("too many lines"));
  Section chain;
  for (std::uint32_t i = 1; i <= 5000; ++i) chain.type(0, kPtr, 0, i == 5000 ? 0 : i + 1);
  auto deep = Btf::parse(chain.bytes());
  ASSERT_TRUE(deep);
  EXPECT_THAT(deep->to_c(), HasSubstr("too deeply"));
  EXPECT_EQ(deep->size(1), 8U);
}

TEST(Btf, TypesWithMembersOfNoAlignmentAreNotWrittenAsC) {
  Section incomplete;  // libbpf would divide by the alignment of the forward declaration, 0
  incomplete.type(incomplete.string("s"), kStruct, 1, 16, {incomplete.string("m"), 2, 64});
  incomplete.type(incomplete.string("f"), kFwd, 0, 0);
  auto btf = Btf::parse(incomplete.bytes());
  ASSERT_TRUE(btf);
  EXPECT_THAT(btf->to_c(), HasSubstr("no alignment"));
}

TEST(Btf, StructsWhoseBitsAnIntCannotCountAreNotWrittenAsC) {
  // A member of 2^28 bytes, then one that begins inside it: libbpf's count of bits wraps around.
  const auto text = [](std::uint32_t count, std::uint32_t size, std::uint32_t second) {
    Section section;
    section.type(section.string("char"), kInt, 0, 1, {8});
    section.type(0, kArray, 0, 0, {1, 1, count});
    section.type(section.string("s"), kStruct, 2, size, {section.string("a"), 2, 0, section.string("b"), 1, second});
    const auto btf = Btf::parse(section.bytes());
    return btf ? btf->to_c() : btf.error().message;
  };
  EXPECT_THAT(text(1U << 28, 16, 64), HasSubstr("would fill too many lines"));
  EXPECT_THAT(text(1, 1U << 28, 8), HasSubstr("would fill too many lines"));
  EXPECT_THAT(text(1, 16, UINT32_MAX - 7), HasSubstr("would fill too many lines"));
  EXPECT_THAT(text(1U << 12, 1U << 13, 8U << 12), HasSubstr("char a[4096]"));
}

TEST(Btf, LongChainsOfQualifiersEndAsVoid) {
  Section chain;
  for (std::uint32_t i = 1; i <= 5000; ++i) chain.type(0, kConst, 0, i == 5000 ? 0 : i + 1);
  auto btf = Btf::parse(chain.bytes());
  ASSERT_TRUE(btf);
  EXPECT_EQ(btf->strip(1), 0U);
  EXPECT_EQ(btf->size(1), 0U);
  EXPECT_FALSE(btf->has_typedef(1, "x"));
}

TEST(Btf, PlacedVariablesAreSorted) {
  Section section;
  const std::uint32_t a = section.string("a");
  const std::uint32_t b = section.string("b");
  section.type(section.string("int"), kInt, 0, 4, {32})
      .type(a, kVar, 0, 1, {1})
      .type(b, kVar, 0, 1, {1})
      .type(section.string(".data"), kDatasec, 2, 8, {2, 0, 4, 3, 0, 4});
  auto btf = Btf::parse(section.bytes());
  ASSERT_TRUE(btf);
  btf->place_variables(".data", {{"a", 4}, {"b", 0}, {"c", 9}});
  btf->place_variables(".bss", {{"a", 4}});
  const auto variables = btf->variables(".data");
  ASSERT_EQ(variables.size(), 2U);
  EXPECT_EQ(variables[0].name, "b");
  EXPECT_EQ(variables[1].name, "a");
  EXPECT_EQ(variables[1].offset, 4U);
}

}  // namespace
}  // namespace sluice::vm
