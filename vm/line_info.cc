#include "vm/line_info.h"

#include <algorithm>
#include <cstring>

#include "vm/btf_ext.h"

namespace sluice::vm {
namespace {

struct Record {
  std::uint32_t insn_off;     // bytes from the section's start
  std::uint32_t file, text;   // string offsets
  std::uint32_t line_column;  // line << 10 | column
};
static_assert(sizeof(Record) == 16);

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
  LineInfo info;
  auto done = each_ext_record(section, btf, ExtTable::kLines, sizeof(Record),
                              [&](std::string_view name, std::span<const std::byte> bytes) {
                                Record record;
                                std::memcpy(&record, bytes.data(), sizeof(record));
                                info[std::string(name)].push_back(line_of(record, btf));
                              });
  if (!done) return std::move(done).error();
  for (auto& [name, lines] : info) std::ranges::stable_sort(lines, {}, &SourceLine::insn);
  return info;
}

}  // namespace sluice::vm
