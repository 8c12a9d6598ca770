// sluice prog verify OBJ [--program NAME] [--json]: the verifier's word on programs of an object.
#include <cstdio>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "dataplane/cli/common.h"
#include "dataplane/cli/verbs.h"
#include "helpers/table.h"
#include "verifier/verifier.h"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const vm::LoadedProgram& program, const verifier::Outcome& outcome) {
  const bool accepted = outcome.accepted();
  Json row{{"program", program.name}, {"section", program.section}, {"verdict", accepted ? "accepted" : "rejected"},
           {"code", nullptr},         {"message", nullptr},         {"source", nullptr}};
  if (!accepted) {
    const verifier::Rejection& rejection = outcome.rejection();
    row["code"] = rejection.code;
    row["message"] = rejection.message;
    if (rejection.line != 0) row["source"] = fmt::format("{}:{}:{}", rejection.file, rejection.line, rejection.column);
  }
  row["insns"] = outcome.statistics.insns;
  row["processed"] = outcome.statistics.processed;
  row["states"] = outcome.statistics.states;
  row["stack"] = outcome.statistics.stack;
  row["us"] = outcome.statistics.microseconds;
  return row;
}

void print_text(const vm::LoadedProgram& program, const verifier::Outcome& outcome) {
  if (!outcome.accepted()) {
    fmt::print("{}", verifier::render(outcome.rejection(), program));
    return;
  }
  const verifier::Statistics& s = outcome.statistics;
  fmt::print("ok   {:<24} verified  {:>6} insns  {:>7} processed  {:>6} states  {:>3} B stack  {:.1f} ms\n",
             program.name, s.insns, s.processed, s.states, s.stack, static_cast<double>(s.microseconds) / 1000.0);
}

}  // namespace

int prog_verify(const ProgVerify& options) {
  auto opened = open_object(options.object, {}, true);
  if (!opened) return fail(opened.error());
  std::vector<const vm::LoadedProgram*> programs;
  if (options.program.empty()) {
    for (const vm::LoadedProgram& program : opened->object.programs) programs.push_back(&program);
  } else {
    const auto chosen = choose_program(opened->object, options.program);
    if (!chosen) return fail(chosen.error());
    programs.push_back(*chosen);
  }
  if (programs.empty()) return fail({ErrorCode::kProgram, options.object + " holds no XDP program"});
  Json rows = Json::array();
  bool all_accepted = true;
  for (const vm::LoadedProgram* program : programs) {
    const verifier::Outcome outcome = verifier::verify(vm::bind(*program, opened->maps), helpers::table(),
                                                       {.allow_ptr_leaks = options.allow_ptr_leaks});
    all_accepted = all_accepted && outcome.accepted();
    if (options.common.json) {
      rows.push_back(to_json(*program, outcome));
    } else {
      print_text(*program, outcome);
    }
  }
  if (options.common.json) fmt::print("{}\n", rows.dump(2, ' ', false, Json::error_handler_t::replace));
  return all_accepted ? kOk : kRejected;
}

}  // namespace sluice::cli
