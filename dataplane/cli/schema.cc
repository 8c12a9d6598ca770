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

std::string codes_page() {
  std::string out = "# Codes of the verifier\n\n| code | means | cure |\n|---|---|---|\n";
  for (const verifier::CodeInfo& info : verifier::all_codes()) {
    out += fmt::format("| `{}` | {} | {} |\n", info.code, info.meaning, info.cure);
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

struct Page {
  std::string_view name;  // empty: the JSON Schema
  std::string (*text)();
};
constexpr Page kPages[] = {{"", config::json_schema},
                           {"config", config::markdown},
                           {"helpers", helpers::markdown},
                           {"codes", codes_page},
                           {"drops", drops_page}};

}  // namespace

int schema(const std::string& page) {
  const auto* const found = std::ranges::find(kPages, page, &Page::name);
  if (found == std::end(kPages)) {
    return fail(
        {ErrorCode::kUsage, fmt::format("page '{}': expected config, helpers, codes or drops", printable(page))});
  }
  const std::string text = found->text();
  fmt::print("{}{}", text, text.ends_with('\n') ? "" : "\n");
  return kOk;
}

int explain_error(const std::string& code) {
  std::vector<std::string_view> known;
  for (const verifier::CodeInfo& info : verifier::all_codes()) {
    if (info.code == code) {
      fmt::print("{}\n  means: {}\n  cure:  {}\n", info.code, info.meaning, info.cure);
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
