// sluice prog verify OBJ [--program NAME] [--json]: the verifier's word on programs of an object.
#include <algorithm>
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

// A program that does not get as far as the verifier.
Json unverifiable(std::string_view program, std::string_view section, std::string_view code, const std::string& why) {
  return {{"program", program},
          {"section", section},
          {"verdict", "rejected"},
          {"code", code},
          {"message", why},
          {"source", nullptr},
          {"insns", 0},
          {"processed", 0},
          {"states", 0},
          {"stack", 0},
          {"us", 0}};
}

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

// Of a type that is run here, but not linkable.
bool is_broken(const vm::ListedProgram& program) { return !program.why.empty(); }

}  // namespace

int prog_verify(const ProgVerify& options) {
  auto opened = open_object(options.object, {.unset_is_one = true,
                                             .program = options.program,
                                             .btf = options.btf,
                                             .kconfig = options.kconfig,
                                             .type = options.type});
  if (!opened) return fail(opened.error());
  std::vector<const vm::LoadedProgram*> programs;
  if (options.program.empty()) {
    for (const vm::LoadedProgram& program : opened->object.programs) programs.push_back(&program);
  } else {
    const auto chosen = choose_program(opened->object, options.program);
    if (!chosen) return fail(chosen.error());
    programs.push_back(*chosen);
  }
  const bool only_broken = std::ranges::any_of(opened->object.others, is_broken);
  if (programs.empty() && !only_broken) return fail({ErrorCode::kProgram, no_program(opened->object)});
  Json rows = Json::array();
  bool all_accepted = true;
  const auto refuse = [&](std::string_view program, std::string_view section, std::string_view code,
                          const std::string& why) {
    all_accepted = false;
    rows.push_back(unverifiable(program, section, code, why));
    if (!options.common.json) fmt::print("{}: error[{}]: {}\n", options.object, code, why);
  };
  for (const vm::LoadedProgram* program : programs) {
    if (const auto usable = check_maps(*opened, *program); !usable) {
      refuse(program->name, program->section, "map", usable.error().message);
      continue;
    }
    const vm::LoadedProgram bound = vm::bind(*program, opened->maps);
    const verifier::Outcome outcome =
        verifier::verify(bound, helpers::table(), {.allow_ptr_leaks = options.allow_ptr_leaks});
    all_accepted = all_accepted && outcome.accepted();
    rows.push_back(to_json(bound, outcome));
    if (!options.common.json) print_text(bound, outcome);
  }
  for (const vm::ListedProgram& other : opened->object.others) {
    if (options.program.empty() && is_broken(other)) refuse(other.name, other.section, "object", other.why);
  }
  if (options.common.json) fmt::print("{}\n", rows.dump(2, ' ', false, Json::error_handler_t::replace));
  return all_accepted ? kOk : kRejected;
}

}  // namespace sluice::cli
