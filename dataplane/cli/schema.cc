// sluice schema, sluice explain-error CODE: what the tables say.
#include <cstdio>
#include <vector>

#include <fmt/format.h>

#include "base/diagnostics.h"
#include "dataplane/cli/common.h"
#include "dataplane/cli/verbs.h"
#include "dataplane/config/config.h"
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

}  // namespace

int schema(const std::string& page) {
  std::string text;
  if (page.empty()) {
    text = config::json_schema();
  } else if (page == "config") {
    text = config::markdown();
  } else if (page == "helpers") {
    text = helpers::markdown();
  } else if (page == "codes") {
    text = codes_page();
  } else {
    return fail({ErrorCode::kUsage, fmt::format("page '{}': expected config, helpers or codes", printable(page))});
  }
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
