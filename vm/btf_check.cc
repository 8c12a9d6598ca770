#include "vm/btf_check.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <string>

#include <fmt/format.h>

namespace sluice::vm {
namespace {

// Kernel Documentation/bpf/btf.rst, section 2.
struct Header {
  std::uint16_t magic;
  std::uint8_t version;
  std::uint8_t flags;
  std::uint32_t header_len, type_off, type_len, str_off, str_len;
};
static_assert(sizeof(Header) == 24);
constexpr std::uint16_t kMagic = 0xeb9f;

struct Record {
  std::uint32_t name, info, size_or_type;

  [[nodiscard]] unsigned kind() const { return (info >> 24) & 0x1f; }
  [[nodiscard]] unsigned count() const { return info & 0xffff; }
};
static_assert(sizeof(Record) == 12);

enum : unsigned {
  kInt = 1,
  kPtr,
  kArray,
  kStruct,
  kUnion,
  kEnum,
  kFwd,
  kTypedef,
  kVolatile,
  kConst,
  kRestrict,
  kFunc,
  kFuncProto,
  kVar,
  kDatasec,
  kFloat,
  kDeclTag,
  kTypeTag,
  kEnum64,
  kKinds
};

// What follows a record: `fixed` bytes, then `each` bytes for each of count().
struct Shape {
  std::uint32_t fixed = 0, each = 0;
  bool refers = false;  // size_or_type is a type id
};
constexpr std::array<Shape, kKinds> kShapes = {{
    {},              // void
    {4, 0, false},   // int
    {0, 0, true},    // ptr
    {12, 0, false},  // array
    {0, 12, false},  // struct
    {0, 12, false},  // union
    {0, 8, false},   // enum
    {},              // fwd
    {0, 0, true},    // typedef
    {0, 0, true},    // volatile
    {0, 0, true},    // const
    {0, 0, true},    // restrict
    {0, 0, true},    // func
    {0, 8, true},    // func_proto
    {4, 0, true},    // var
    {0, 12, false},  // datasec
    {},              // float
    {4, 0, true},    // decl_tag
    {0, 0, true},    // type_tag
    {0, 12, false},  // enum64
}};

template <typename T>
T read(std::span<const std::byte> bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

// `offset` in bytes from the start of the section.
Error error(std::size_t offset, std::string_view message) {
  return {ErrorCode::kProgram, fmt::format("offset {}: {}", offset, message)};
}

// The types and strings of a section, each record's place known.
class Types {
 public:
  // `place`: where in the section the types start.
  Types(std::span<const std::byte> types, std::span<const std::byte> strings, std::size_t place)
      : types_(types), strings_(strings), place_(place) {}

  // Finds every record. After success at(1)..at(count()) are inside.
  Result<void> index() {
    starts_.push_back(0);
    std::size_t at = 0;
    while (at < types_.size()) {
      const auto wrong = [&](std::string_view what) {
        return error(place_ + at, fmt::format("type {} {}", starts_.size(), what));
      };
      if (types_.size() - at < sizeof(Record)) return wrong("is cut off");
      const auto record = read<Record>(types_, at);
      const unsigned kind = record.kind();
      if (kind == 0 || kind >= kKinds) {
        return wrong(fmt::format("has the unknown kind {}, expected 1..{}", kind, kKinds - 1));
      }
      const std::size_t size = sizeof(Record) + kShapes[kind].fixed + std::size_t{kShapes[kind].each} * record.count();
      if (types_.size() - at < size) return wrong("is cut off");
      starts_.push_back(static_cast<std::uint32_t>(at));
      at += size;
    }
    return {};
  }

  [[nodiscard]] std::uint32_t count() const { return static_cast<std::uint32_t>(starts_.size() - 1); }
  // Where the type stands, in bytes from the start of the section.
  [[nodiscard]] std::size_t place(std::uint32_t id) const { return place_ + starts_[id]; }
  [[nodiscard]] Record at(std::uint32_t id) const { return read<Record>(types_, starts_[id]); }
  [[nodiscard]] unsigned kind(std::uint32_t id) const { return id == 0 ? 0 : at(id).kind(); }
  // The u32 at `word` of what follows the record.
  [[nodiscard]] std::uint32_t extra(std::uint32_t id, std::size_t word) const {
    return read<std::uint32_t>(types_, starts_[id] + sizeof(Record) + 4 * word);
  }
  [[nodiscard]] bool is_type(std::uint32_t id) const { return id <= count(); }
  // void, or something a variable may have as its type.
  [[nodiscard]] bool is_data(std::uint32_t id) const {
    if (!is_type(id)) return false;
    const unsigned k = kind(id);
    return k != kFunc && k != kVar && k != kDatasec && k != kDeclTag;
  }

  Result<void> check_references() {
    for (std::uint32_t id = 1; id <= count(); ++id) {
      if (!check(id)) {
        return error(place(id), fmt::format("type {} refers to a type or a name that is not there", id));
      }
      if (name_bytes_ > kMaxNameBytes) {
        return error(place(id), fmt::format("type {}: names up to here have more than {} bytes", id, kMaxNameBytes));
      }
    }
    return {};
  }

  // Types that `id` contains or, as C, spells out: what is followed until a named struct behind a pointer.
  // `through` = reached through a pointer. Calls f(child, through).
  template <typename F>
  void each_child(std::uint32_t id, bool through, F&& f) const {
    const Record record = at(id);
    switch (record.kind()) {
      case kPtr: f(record.size_or_type, true); return;
      case kTypedef:
      case kVolatile:
      case kConst:
      case kRestrict:
      case kTypeTag: f(record.size_or_type, through); return;
      case kArray: f(extra(id, 0), through); return;
      case kStruct:
      case kUnion:
        if (through && record.name != 0) return;
        for (unsigned i = 0; i < record.count(); ++i) f(extra(id, 3 * i + 1), false);
        return;
      case kFuncProto:
        f(record.size_or_type, through);
        for (unsigned i = 0; i < record.count(); ++i) f(extra(id, 2 * i + 1), through);
        return;
      default: return;
    }
  }

 private:
  // Hostile types may all have one huge name, which everybody would read once a type. Of all together, with
  // repetitions; the largest kernel has some 10 MB.
  static constexpr std::size_t kMaxNameBytes = std::size_t{1} << 28;

  bool is_string(std::uint32_t offset) {
    if (offset >= strings_.size()) return false;
    // check_btf saw that the last byte is 0. What is too much already is not counted any more.
    if (name_bytes_ <= kMaxNameBytes) name_bytes_ += std::strlen(reinterpret_cast<const char*>(&strings_[offset]));
    return true;
  }

  [[nodiscard]] bool check(std::uint32_t id) {
    const Record record = at(id);
    if (!is_string(record.name)) return false;
    const unsigned n = record.count();
    const auto all = [n](auto&& test) {
      for (unsigned i = 0; i < n; ++i) {
        if (!test(i)) return false;
      }
      return true;
    };
    switch (record.kind()) {
      case kArray: return is_data(extra(id, 0)) && is_data(extra(id, 1));
      case kStruct:
      case kUnion: return all([&](unsigned i) { return is_string(extra(id, 3 * i)) && is_data(extra(id, 3 * i + 1)); });
      case kEnum: return all([&](unsigned i) { return is_string(extra(id, 2 * i)); });
      case kEnum64: return all([&](unsigned i) { return is_string(extra(id, 3 * i)); });
      case kFunc: return is_type(record.size_or_type) && kind(record.size_or_type) == kFuncProto;
      case kFuncProto:
        return is_data(record.size_or_type) &&
               all([&](unsigned i) { return is_string(extra(id, 2 * i)) && is_data(extra(id, 2 * i + 1)); });
      case kDatasec:
        return all([&](unsigned i) {
          const std::uint32_t member = extra(id, 3 * i);
          return is_type(member) && (kind(member) == kVar || kind(member) == kFunc);
        });
      case kDeclTag: return is_type(record.size_or_type);
      default: return !kShapes[record.kind()].refers || is_data(record.size_or_type);
    }
  }

  std::span<const std::byte> types_, strings_;
  std::size_t place_;
  std::size_t name_bytes_ = 0;
  std::vector<std::uint32_t> starts_;  // by id; [0] is void's and unused
};

// Walks each type's expansion once, depth first and without recursion. Finds cycles that no pointer to a named struct
// breaks (C cannot write them, and printing them does not end) and what printing costs.
class Expansion {
 public:
  static constexpr std::uint64_t kMaxCost = std::uint64_t{1} << 18;  // types and 8-byte paddings, about lines of C
  static constexpr std::size_t kMaxDepth = 512;

  explicit Expansion(const Types& types) : types_(types), nodes_(2 * (std::size_t{types.count()} + 1)) {
    nodes_[0] = nodes_[1] = {State::kDone, 1, 0, 0};
  }

  Result<void> walk() {
    for (std::uint32_t id = 1; id <= types_.count(); ++id) {
      if (!visit(2 * std::size_t{id})) {
        return error(types_.place(id), fmt::format("type {} contains itself", id));
      }
      total_ = std::min(kMaxCost, total_ + nodes_[2 * std::size_t{id}].cost);
    }
    return {};
  }
  [[nodiscard]] bool printable() const { return total_ < kMaxCost && depth_ < kMaxDepth; }

 private:
  enum class State : std::uint8_t { kNew, kOpen, kDone };
  struct Node {
    State state = State::kNew;
    std::uint64_t cost = 0;
    std::size_t depth = 0;   // of what is below
    std::uint64_t size = 0;  // bytes of a value, at most kHuge
  };

  // libbpf's printer counts the bits of a struct in an int, and where that overflows it takes the place in front of the
  // next member for empty and fills it with lines.
  static constexpr std::uint64_t kHuge = std::uint64_t{1} << 28;

  // False when the expansion has no end.
  bool visit(std::size_t root) {
    std::vector<std::size_t> stack{root};
    while (!stack.empty()) {
      const std::size_t top = stack.back();
      if (nodes_[top].state != State::kNew) {  // seen on another way, or all children are done
        if (nodes_[top].state == State::kOpen) close(top);
        stack.pop_back();
        continue;
      }
      nodes_[top].state = State::kOpen;
      bool endless = false;
      types_.each_child(static_cast<std::uint32_t>(top / 2), top % 2 == 1, [&](std::uint32_t child, bool through) {
        const std::size_t node = 2 * std::size_t{child} + (through ? 1 : 0);
        if (nodes_[node].state == State::kOpen) endless = true;
        if (nodes_[node].state == State::kNew) stack.push_back(node);
      });
      if (endless) return false;
    }
    return true;
  }

  // Bytes that printing may fill up: before each member that lies behind where the one before began, and at the end.
  [[nodiscard]] std::uint64_t padding(std::uint32_t id, const Record& record) const {
    const bool bit_fields = record.info >> 31 != 0;  // then the upper 8 bits are a width
    std::uint64_t bytes = 0;
    std::uint64_t last = 0;
    for (unsigned i = 0; i < record.count(); ++i) {
      const std::uint32_t offset = types_.extra(id, 3 * i + 2);
      const std::uint64_t at = (bit_fields ? offset & 0xffffff : offset) / 8;
      bytes += at > last ? at - last : 0;
      last = at;
    }
    return bytes + (record.size_or_type > last ? record.size_or_type - last : 0);
  }

  // Whether a struct and all of its members end where an int can count the bits.
  [[nodiscard]] bool is_countable(std::uint32_t id, const Record& record) const {
    if (record.size_or_type >= kHuge) return false;
    const bool bit_fields = record.info >> 31 != 0;
    for (unsigned i = 0; i < record.count(); ++i) {
      const std::uint32_t offset = types_.extra(id, 3 * i + 2);
      const std::uint64_t at = (bit_fields ? offset & 0xffffff : offset) / 8;
      const Node& member = nodes_[2 * std::size_t{types_.extra(id, 3 * i + 1)}];
      if (at + member.size >= kHuge) return false;
    }
    return true;
  }

  // Of a value of type `id`, whose children are done.
  [[nodiscard]] std::uint64_t size_of(std::uint32_t id, const Record& record, std::uint64_t below) const {
    switch (record.kind()) {
      case kInt:
      case kStruct:
      case kUnion:
      case kEnum:
      case kFloat:
      case kEnum64: return std::min<std::uint64_t>(kHuge, record.size_or_type);
      case kPtr: return 8;
      case kArray: return std::min(kHuge, below * types_.extra(id, 2));
      case kTypedef:
      case kVolatile:
      case kConst:
      case kRestrict:
      case kTypeTag: return below;
      default: return 0;
    }
  }

  void close(std::size_t node) {
    const auto id = static_cast<std::uint32_t>(node / 2);
    const Record record = types_.at(id);
    std::uint64_t cost = 1;
    const bool is_whole = record.kind() == kStruct || record.kind() == kUnion;
    const bool is_named_only = node % 2 == 1 && record.name != 0;  // its members were not walked, nor are they printed
    if (is_whole) cost += padding(id, record) / 8;
    if (is_whole && !is_named_only && !is_countable(id, record)) cost = kMaxCost;
    std::size_t depth = 0;
    std::uint64_t below_size = 0;
    types_.each_child(id, node % 2 == 1, [&](std::uint32_t child, bool through) {
      const Node& below = nodes_[2 * std::size_t{child} + (through ? 1 : 0)];
      cost = std::min(kMaxCost, cost + below.cost);
      depth = std::max(depth, below.depth + 1);
      below_size = below.size;
    });
    nodes_[node] = {State::kDone, cost, depth, size_of(id, record, below_size)};
    depth_ = std::max(depth_, depth);
  }

  const Types& types_;
  std::vector<Node> nodes_;  // 2 * id + reached through a pointer
  std::uint64_t total_ = 0;
  std::size_t depth_ = 0;
};

Result<Header> read_header(std::span<const std::byte> section) {
  if (section.size() < sizeof(Header)) return error(0, fmt::format("{} bytes hold no header", section.size()));
  const auto header = read<Header>(section, 0);
  if (header.magic != kMagic) {
    return error(offsetof(Header, magic),
                 fmt::format("magic is {:#06x}, expected {:#06x} (little-endian BTF)", header.magic, kMagic));
  }
  if (header.version != 1) {
    return error(offsetof(Header, version), fmt::format("version is {}, expected 1", header.version));
  }
  if (header.header_len < sizeof(Header) || header.header_len > section.size()) {
    return error(offsetof(Header, header_len), fmt::format("header length is {}, expected {}..{}", header.header_len,
                                                           sizeof(Header), section.size()));
  }
  const std::uint64_t room = section.size() - header.header_len;
  if (std::uint64_t{header.type_off} + header.type_len > room || header.type_off % 4 != 0) {
    return error(offsetof(Header, type_off), "types lie outside the section");
  }
  if (std::uint64_t{header.str_off} + header.str_len > room) {
    return error(offsetof(Header, str_off), "strings lie outside the section");
  }
  return header;
}

}  // namespace

Result<CheckedBtf> check_btf(std::span<const std::byte> section) {
  const auto header = read_header(section);
  if (!header) return header.error();
  const auto body = section.subspan(header->header_len);
  const auto types = body.subspan(header->type_off, header->type_len);
  const auto strings = body.subspan(header->str_off, header->str_len);
  if (strings.empty() || strings.front() != std::byte{0} || strings.back() != std::byte{0}) {
    return error(header->header_len + std::size_t{header->str_off}, "strings do not start and end with an empty one");
  }
  Types table(types, strings, header->header_len + std::size_t{header->type_off});
  if (auto done = table.index(); !done) return done.error();
  if (auto done = table.check_references(); !done) return done.error();
  Expansion expansion(table);
  if (auto done = expansion.walk(); !done) return done.error();

  Header clean = *header;
  clean.header_len = sizeof(Header);
  clean.type_off = 0;
  clean.str_off = header->type_len;
  CheckedBtf checked;
  checked.printable = expansion.printable();
  checked.types_at = header->header_len + header->type_off;
  checked.bytes.resize(sizeof(Header) + types.size() + strings.size());
  std::memcpy(checked.bytes.data(), &clean, sizeof(clean));
  std::ranges::copy(types, checked.bytes.begin() + sizeof(Header));
  std::ranges::copy(strings, checked.bytes.begin() + sizeof(Header) + static_cast<std::ptrdiff_t>(types.size()));
  return checked;
}

}  // namespace sluice::vm
