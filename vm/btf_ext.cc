#include "vm/btf_ext.h"

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

Error error(std::string message) { return {ErrorCode::kProgram, std::move(message)}; }

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
  if (section.size() < kFirstHeader) return error(fmt::format("{} bytes hold no header", section.size()));
  Header header{};
  std::memcpy(&header, section.data(), kFirstHeader);
  if (header.magic != 0xeb9f || header.version != 1) return error("magic or version is wrong");
  if (header.header_len >= sizeof(header) && section.size() >= sizeof(header)) {
    std::memcpy(&header, section.data(), sizeof(header));
  }
  const std::uint32_t offset = lines ? header.line_off : header.core_off;
  const std::uint32_t length = lines ? header.line_len : header.core_len;
  if (header.header_len < kFirstHeader || std::uint64_t{header.header_len} + offset + length > section.size()) {
    return error(fmt::format("{} records lie outside the section", what));
  }
  if (length == 0) return {};
  Cursor cursor(section.subspan(header.header_len + std::size_t{offset}, length));
  if (cursor.left() < 4) return error(fmt::format("{} records are cut off", what));
  const auto record_size = cursor.take<std::uint32_t>();
  if (record_size < size) {
    return error(fmt::format("{} records have {} bytes, expected {} or more", what, record_size, size));
  }
  while (cursor.left() != 0) {
    struct Group {
      std::uint32_t name, count;
    };
    if (cursor.left() < sizeof(Group)) return error(fmt::format("{} records are cut off", what));
    const auto group = cursor.take<Group>();
    if (std::uint64_t{group.count} * record_size > cursor.left()) {
      return error(fmt::format("{} records are cut off", what));
    }
    const std::string_view name = btf.string_at(group.name);
    for (std::uint32_t i = 0; i < group.count; ++i) f(name, cursor.take(record_size));
  }
  return {};
}

}  // namespace sluice::vm
