// sluice check CONFIG...: parse, wiring, objects, verification and compilation; opens no port.
#include <cstdio>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/diagnostics.h"
#include "dataplane/cli/load.h"
#include "dataplane/cli/verbs.h"
#include "dataplane/config/config.h"
#include "dataplane/pipeline/loader.h"
#include "helpers/table.h"

namespace sluice::cli {
namespace {

using nlohmann::json;

// What became of one file.
struct Checked {
  Diagnostics diagnostics;
  pipeline::LoadReport report;
  std::size_t ports = 0, programs = 0, pipelines = 0, maps = 0;
  int code = kOk;
};

Checked check_file(const std::string& path, const Check& options) {
  Checked out;
  config::Sources sources;
  const auto config = config::read_config(path, {options.set}, sources, out.diagnostics);
  if (!config) {
    out.code = kConfig;
    return out;
  }
  out.ports = config->ports.size();
  out.programs = config->programs.size();
  out.pipelines = config->pipelines.size();
  out.maps = config->maps.size();
  const auto pipeline =
      pipeline::load(*config, sources, helpers::table(), {.cpus = stated_workers(config->workers)}, out.report);
  for (const Diagnostic& d : out.report.diagnostics.all()) out.diagnostics.add(d);
  if (out.diagnostics.has_errors()) {
    out.code = kConfig;
  } else if (!out.report.rejected.empty()) {
    out.code = kRejected;
  } else if (out.report.failure || pipeline == nullptr) {
    out.code = kEnvironment;
  }
  return out;
}

void print_text(const Checked& checked) {
  std::fputs(checked.diagnostics.render().c_str(), stderr);
  for (const pipeline::Rejected& r : checked.report.rejected) std::fputs(r.text.c_str(), stderr);
  if (checked.report.failure) fmt::print(stderr, "sluice: {}\n", checked.report.failure->message);
  if (checked.code != kOk) {
    const std::size_t errors =
        checked.diagnostics.errors() + checked.report.rejected.size() + (checked.report.failure ? 1 : 0);
    fmt::print(stderr, "{} error{}. Nothing was started.\n", errors, errors == 1 ? "" : "s");
    return;
  }
  fmt::print("config     ok   {} ports, {} programs, {} pipelines, {} maps configured\n", checked.ports,
             checked.programs, checked.pipelines, checked.maps);
  const char* label = "programs";
  for (const pipeline::StageInfo& s : checked.report.stages) {
    fmt::print("{:<10} ok   {:<12} verified {:>5} insns {:>6} states {:>6.1f} ms  jit {} B\n", label, s.name, s.insns,
               s.states, static_cast<double>(s.microseconds) / 1000, s.code_bytes);
    label = "";
  }
  label = "tail calls";
  for (const pipeline::Edge& e : checked.report.edges) {
    fmt::print("{:<10} ok   {} -> {}   {}[{}]\n", label, e.from, e.to, e.map, e.slot);
    label = "";
  }
}

json as_json(const std::string& path, const Checked& checked) {
  json diagnostics = json::array();
  for (const Diagnostic& d : checked.diagnostics.all()) {
    diagnostics.push_back({{"severity", d.severity == Severity::kError ? "error" : "warning"},
                           {"file", d.file},
                           {"line", d.line},
                           {"column", d.column},
                           {"code", d.code},
                           {"message", d.message}});
  }
  json programs = json::array();
  for (const pipeline::StageInfo& s : checked.report.stages) {
    programs.push_back({{"name", s.name},
                        {"object", s.object},
                        {"function", s.function},
                        {"verified", s.verified},
                        {"insns", s.insns},
                        {"processed", s.processed},
                        {"states", s.states},
                        {"us", s.microseconds},
                        {"jit_bytes", s.code_bytes}});
  }
  json rejected = json::array();
  for (const pipeline::Rejected& r : checked.report.rejected) {
    rejected.push_back({{"program", r.program}, {"message", r.text}});
  }
  return {{"config", path},       {"ok", checked.code == kOk}, {"exit", checked.code}, {"diagnostics", diagnostics},
          {"programs", programs}, {"rejected", rejected}};
}

}  // namespace

int check(const Check& options) {
  int code = kOk;
  json files = json::array();
  for (const std::string& path : options.configs) {
    const Checked checked = check_file(path, options);
    if (code == kOk) code = checked.code;
    if (options.common.json) {
      files.push_back(as_json(path, checked));
    } else {
      print_text(checked);
    }
  }
  if (options.common.json) {
    const json out = {{"version", 1}, {"files", files}};
    fmt::print("{}\n", out.dump(2, ' ', false, json::error_handler_t::replace));
  }
  return code;
}

}  // namespace sluice::cli
