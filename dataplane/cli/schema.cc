// sluice schema, sluice explain-error CODE: what the tables say.
#include <algorithm>
#include <cstdio>
#include <iterator>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/diagnostics.h"
#include "dataplane/cli/common.h"
#include "dataplane/cli/verbs.h"
#include "dataplane/config/config.h"
#include "dataplane/pipeline/stats.h"
#include "helpers/table.h"
#include "verifier/verifier.h"

namespace sluice::cli {
namespace {

// Examples hold assembler where C has no way to the code.
bool in_c(const verifier::CodeInfo& info) { return info.example.find("SEC(\"xdp\")") != std::string_view::npos; }

std::string errors_page() {
  std::string out =
      "# Why the verifier refuses programs\n\nOne section a code, as `sluice explain-error CODE` prints it. Each "
      "example is the least program that has the code: C\nafter `#include <linux/bpf.h>` and "
      "`<bpf/bpf_helpers.h>`, or assembler (`asm.md`) where C has no way to it.\n";
  for (const verifier::CodeInfo& info : verifier::all_codes()) {
    out += fmt::format("\n## {}\n\nMeans: {}.\n\n```{}\n{}```\n\nCure: {}.\n", info.code, info.meaning,
                       in_c(info) ? "c" : "asm", info.example, info.cure);
  }
  return out;
}

std::string drops_page() {
  std::string out =
      "# Why frames are dropped\n\nEvery frame that does not leave by a port is counted under one of these.\n\n"
      "| reason | means | seen by a program |\n|---|---|---|\n";
  for (const pipeline::DropReasonRow& row : pipeline::drop_reasons()) {
    out += fmt::format("| `{}` | {} | {} |\n", row.name, row.doc, row.unseen ? "no" : "yes");
  }
  return out;
}

std::string indented(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    out += fmt::format("{}{}", text.front() == '\n' ? "" : "    ", text.substr(0, end));
    text.remove_prefix(end);
  }
  return out;
}

struct Page {
  std::string_view name;  // empty: the JSON Schema
  std::string (*text)();
};
constexpr Page kPages[] = {{"", config::json_schema},
                           {"config", config::markdown},
                           {"helpers", helpers::markdown},
                           {"drops", drops_page},
                           {"errors", errors_page}};

}  // namespace

int schema(const std::string& page) {
  const auto* const found = std::ranges::find(kPages, page, &Page::name);
  if (found == std::end(kPages)) {
    return fail(
        {ErrorCode::kUsage, fmt::format("page '{}': expected config, helpers, drops or errors", printable(page))});
  }
  const std::string text = found->text();
  fmt::print("{}{}", text, text.ends_with('\n') ? "" : "\n");
  return kOk;
}

int explain_error(const std::string& code) {
  std::vector<std::string_view> known;
  for (const verifier::CodeInfo& info : verifier::all_codes()) {
    if (info.code == code) {
      fmt::print("{}\n\nmeans: {}\ncure:  {}\n\nThe least program that has it{}:\n\n{}", info.code, info.meaning,
                 info.cure, in_c(info) ? "" : ", in assembler", indented(info.example));
      return kOk;
    }
    known.push_back(info.code);
  }
  const std::string_view near = nearest(code, known);
  return fail(
      {ErrorCode::kUsage, fmt::format("no error code '{}'{}", printable(code),
                                      near.empty() ? std::string() : fmt::format("; did you mean '{}'?", near))});
}

}  // namespace sluice::cli
