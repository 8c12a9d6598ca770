#include "vm/line_info.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace sluice::vm {
namespace {

struct Header {
  std::uint16_t magic;
  std::uint8_t version;
  std::uint8_t flags;
  std::uint32_t header_len, func_off, func_len, line_off, line_len;
};
static_assert(sizeof(Header) == 24);

struct Record {
  std::uint32_t insn_off;     // bytes from the section's start
  std::uint32_t file, text;   // string offsets
  std::uint32_t line_column;  // line << 10 | column
};
static_assert(sizeof(Record) == 16);

Error error(std::string message) { return {ErrorCode::kProgram, std::move(message)}; }

// Reads from the front of a range; callers ask for no more than is left.
class Cursor {
 public:
  explicit Cursor(std::span<const std::byte> bytes) : bytes_(bytes) {}
  [[nodiscard]] std::size_t left() const { return bytes_.size(); }
  template <typename T>
  T peek() const {
    T value;
    std::memcpy(&value, bytes_.data(), sizeof(T));
    return value;
  }
  void skip(std::size_t size) { bytes_ = bytes_.subspan(size); }

 private:
  std::span<const std::byte> bytes_;
};

// Hostile records may all name one huge string; what is kept of a file name or a line is bounded. Bytes.
constexpr std::size_t kMaxText = 512;

SourceLine line_of(const Record& record, const Btf& btf) {
  SourceLine line;
  line.insn = record.insn_off / 8;
  line.line = record.line_column >> 10;
  line.column = record.line_column & 0x3ff;
  line.file = btf.string_at(record.file).substr(0, kMaxText);
  line.text = btf.string_at(record.text).substr(0, kMaxText);
  return line;
}

}  // namespace

Result<LineInfo> parse_line_info(std::span<const std::byte> section, const Btf& btf) {
  if (section.size() < sizeof(Header)) return error(fmt::format("{} bytes hold no header", section.size()));
  Header header;
  std::memcpy(&header, section.data(), sizeof(header));
  if (header.magic != 0xeb9f || header.version != 1) return error("magic or version is wrong");
  if (header.header_len < sizeof(Header) ||
      std::uint64_t{header.header_len} + header.line_off + header.line_len > section.size()) {
    return error("line records lie outside the section");
  }
  LineInfo info;
  if (header.line_len == 0) return info;
  Cursor cursor(section.subspan(header.header_len + header.line_off, header.line_len));
  if (cursor.left() < 4) return error("line records are cut off");
  const auto record_size = cursor.peek<std::uint32_t>();
  if (record_size < sizeof(Record)) {
    return error(fmt::format("line records have {} bytes, expected {} or more", record_size, sizeof(Record)));
  }
  cursor.skip(4);
  while (cursor.left() != 0) {
    struct Group {
      std::uint32_t name, count;
    };
    if (cursor.left() < sizeof(Group)) return error("line records are cut off");
    const auto group = cursor.peek<Group>();
    cursor.skip(sizeof(Group));
    if (std::uint64_t{group.count} * record_size > cursor.left()) return error("line records are cut off");
    std::vector<SourceLine>& lines = info[std::string(btf.string_at(group.name))];
    for (std::uint32_t i = 0; i < group.count; ++i, cursor.skip(record_size)) {
      lines.push_back(line_of(cursor.peek<Record>(), btf));
    }
    std::ranges::stable_sort(lines, {}, &SourceLine::insn);
  }
  return info;
}

}  // namespace sluice::vm
