#include "vm/btf_ext.h"

#include <cstddef>
#include <cstring>

#include <fmt/format.h>

namespace sluice::vm {
namespace {

struct Header {
  std::uint16_t magic;
  std::uint8_t version;
  std::uint8_t flags;
  std::uint32_t header_len, func_off, func_len, line_off, line_len;
  std::uint32_t core_off, core_len;  // not in the first headers
};
static_assert(sizeof(Header) == 32);
constexpr std::size_t kFirstHeader = 24;

// `offset` in bytes from the start of the section.
Error error(std::size_t offset, std::string_view message) {
  return {ErrorCode::kProgram, fmt::format("offset {}: {}", offset, message)};
}

// Reads from the front of a range; callers ask for no more than is left.
class Cursor {
 public:
  explicit Cursor(std::span<const std::byte> bytes) : bytes_(bytes) {}
  [[nodiscard]] std::size_t left() const { return bytes_.size(); }
  template <typename T>
  T take() {
    T value;
    std::memcpy(&value, bytes_.data(), sizeof(T));
    bytes_ = bytes_.subspan(sizeof(T));
    return value;
  }
  std::span<const std::byte> take(std::size_t size) {
    const auto front = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return front;
  }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace

Result<void> each_ext_record(std::span<const std::byte> section, const Btf& btf, ExtTable table, std::size_t size,
                             const std::function<void(std::string_view, std::span<const std::byte>)>& f) {
  const bool lines = table == ExtTable::kLines;
  const std::string_view what = lines ? "line" : "CO-RE";
  if (section.size() < kFirstHeader) return error(0, fmt::format("{} bytes hold no header", section.size()));
  Header header{};
  std::memcpy(&header, section.data(), kFirstHeader);
  if (header.magic != 0xeb9f || header.version != 1) return error(0, "magic or version is wrong");
  if (header.header_len >= sizeof(header) && section.size() >= sizeof(header)) {
    std::memcpy(&header, section.data(), sizeof(header));
  }
  const std::uint32_t offset = lines ? header.line_off : header.core_off;
  const std::uint32_t length = lines ? header.line_len : header.core_len;
  if (header.header_len < kFirstHeader || std::uint64_t{header.header_len} + offset + length > section.size()) {
    return error(lines ? offsetof(Header, line_off) : offsetof(Header, core_off),
                 fmt::format("{} records lie outside the section", what));
  }
  if (length == 0) return {};
  const std::size_t end = header.header_len + std::size_t{offset} + length;
  Cursor cursor(section.subspan(end - length, length));
  const auto cut_off = [&] { return error(end - cursor.left(), fmt::format("{} records are cut off", what)); };
  if (cursor.left() < 4) return cut_off();
  const auto record_size = cursor.take<std::uint32_t>();
  if (record_size < size) {
    return error(end - length, fmt::format("{} records have {} bytes, expected {} or more", what, record_size, size));
  }
  while (cursor.left() != 0) {
    struct Group {
      std::uint32_t name, count;
    };
    if (cursor.left() < sizeof(Group)) return cut_off();
    const auto group = cursor.take<Group>();
    if (std::uint64_t{group.count} * record_size > cursor.left()) return cut_off();
    const std::string_view name = btf.string_at(group.name);
    for (std::uint32_t i = 0; i < group.count; ++i) f(name, cursor.take(record_size));
  }
  return {};
}

}  // namespace sluice::vm
