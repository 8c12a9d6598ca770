// docs/config.md from the table of keys.
#include <fmt/format.h>

#include "dataplane/config/config.h"
#include "dataplane/config/include.h"
#include "dataplane/config/reader.h"
#include "dataplane/config/schema.h"

namespace sluice::config {
namespace {

using Kind = Shape::Kind;

// What stands in the column "value"; a bar would end the cell.
std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.replace(at, 1, "\\|");
  return text;
}

void add_table(std::string& out, const std::string& title, std::span<const Row> rows) {
  out += fmt::format("\n## {}\n\n| key | value | default | meaning |\n|---|---|---|---|\n", title);
  for (const Row& row : rows) {
    const std::string value = cell(expected(row.shape));
    const std::string fallback = row.required ? "must be given" : cell(std::string(row.fallback));
    out += fmt::format("| `{}` | {} | {} | {} |\n", row.key, value, fallback, cell(std::string(row.doc)));
  }
  for (const Row& row : rows) {
    if (row.shape.rows.empty()) continue;
    const bool named = row.shape.kind == Kind::kNamed;
    const bool list = row.shape.kind == Kind::kList || row.shape.kind == Kind::kSpecial;
    const std::string path = title == "Top level" ? std::string(row.key) : fmt::format("{}.{}", title, row.key);
    add_table(out, path + (named ? ".NAME" : list ? "[]" : ""), row.shape.rows);
  }
}

constexpr std::string_view kRules = R"(# The pipeline file

Made from the table of keys by `./run docs`; do not edit.

One YAML document. Unknown keys, duplicate keys and YAML tags are errors; every mistake is reported at once with its
place. Keys that begin with `x-` are ignored: anchors live there.

- **Numbers** are decimal or `0x` hexadecimal, without quotes; `010` is refused because readers differ on it.
  **Booleans** are `true` and `false` and nothing else. **Text** that looks like a number or a boolean wants quotes;
  quote MAC addresses as well.
- **Paths** are relative to the file that holds them; in `--set` to the working directory.
- **Variables**: `${{NAME}}` and `${{NAME:-default}}` in text, replaced after parsing, from the environment. `$$` is a
  dollar sign. The result is text, never a number.
- **`include`**: the files named are merged in order, then this one on top: mappings key by key, the later wins; lists
  are replaced; null takes a key of an included file away. At most {} levels deep. Each file says `version: 1`.
- **`--set a.b.c=VALUE`** puts a YAML value at a path, after all includes. `ports.wan0.mtu=1400`, `attach.0.ingress=edge`.
- **Merge keys** (`<<: *anchor`) are done: keys that are there win.
- **Limits**: a file has at most {} MB, {} levels of nesting and, aliases and included files counted, {} values; one
  `[...]`, `{{...}}` or text has at most {} MB. More entries of a map go to its `file`.
)";

}  // namespace

std::string markdown() {
  std::string out =
      fmt::format(kRules, kDeepestInclude, kLargestFile >> 20U, kDeepestNesting, kMostNodes, kLongestFlow >> 20U);
  add_table(out, "Top level", pipeline_rows());
  return out;
}

}  // namespace sluice::config
