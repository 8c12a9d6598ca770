#include "dataplane/pipeline/loader.h"

#include <algorithm>

#include <fmt/format.h>

#include "dataplane/pipeline/objects.h"
#include "dataplane/pipeline/wiring.h"
#include "verifier/verifier.h"

namespace sluice::pipeline {
namespace {

// Verifies and compiles the program at `index`; null after saying why not.
std::unique_ptr<Stage> make_stage(const LoadContext& context, const vm::HelperTable& helpers, const ObjectSet& objects,
                                  std::size_t index) {
  const config::Program& program = context.config.programs[index];
  const vm::LoadedProgram& function = *objects.function(index);
  StageInfo& info = context.report.stages[index];
  info.function = function.name;
  info.section = function.section;

  verifier::Outcome outcome = verifier::verify(vm::bind(function, objects.of_program(index)->maps), helpers,
                                               {.allow_ptr_leaks = context.options.allow_ptr_leaks});
  info.verified = outcome.accepted();
  info.insns = outcome.statistics.insns;
  info.processed = outcome.statistics.processed;
  info.states = outcome.statistics.states;
  info.stack = outcome.statistics.stack;
  info.microseconds = outcome.statistics.microseconds;
  if (!outcome.accepted()) {
    context.report.rejected.push_back({program.name.value, verifier::render(outcome.rejection(), function)});
    return nullptr;
  }
  auto runner = Runner::make(std::move(outcome).take(), context.options.engine, helpers);
  if (!runner) {
    context.report.failure = std::move(runner).error().in("program " + program.name.value);
    return nullptr;
  }
  info.code_bytes = runner->code_bytes();
  const vm::ProgramSlot slot = runner->slot(static_cast<std::uint16_t>(index));
  return std::make_unique<Stage>(Stage{.name = program.name.value, .runner = std::move(*runner), .slot = slot});
}

LoadContext make_context(const config::Config& config, const config::Sources& sources, const LoadOptions& options,
                         LoadReport& report) {
  LoadContext context{
      .config = config, .sources = sources, .options = options, .report = report, .ports = {}, .tails = {}};
  for (const config::Port& port : config.ports) context.ports.emplace(port.name.value, port.ifindex);
  for (const config::Program& program : config.programs) {
    report.stages.push_back({.name = program.name.value, .object = program.object.value});
  }
  return context;
}

bool anything_wrong(const LoadReport& report) {
  return report.failure || !report.rejected.empty() || report.diagnostics.has_errors();
}

}  // namespace

std::unique_ptr<Pipeline> load(const config::Config& told, const config::Sources& sources,
                               const vm::HelperTable& helpers, const LoadOptions& options, LoadReport& report) {
  config::Config config = told;
  std::vector<ImpliedTail> tails = add_implied_programs(config);
  LoadContext context = make_context(config, sources, options, report);
  context.tails = std::move(tails);
  context.told = told.programs.size();
  constexpr std::size_t kMostPorts = 1024;
  if (config.programs.size() > UINT16_MAX || config.ports.size() > kMostPorts) {
    report.diagnostics.add({.file = config.path,
                            .code = "config-size",
                            .message = fmt::format("at most {} ports and {} programs", kMostPorts, UINT16_MAX)});
    return nullptr;
  }
  ObjectSet objects(context);
  objects.set_globals();
  const bool made = objects.make_maps();
  if (made) objects.fill_maps();

  std::vector<std::unique_ptr<Stage>> stages(config.programs.size());
  for (std::size_t i = 0; made && i < stages.size(); ++i) {
    if (objects.function(i) != nullptr) stages[i] = make_stage(context, helpers, objects, i);
  }
  Wiring wiring(context, objects, stages);
  if (made) {
    wiring.fill_prog_arrays();
    wiring.attach_devmap_programs();
  }
  std::vector<Chain> chains = wiring.make_chains();
  std::vector<Port> ports = wiring.make_ports();
  // What can be reached is only known when every program is there and every slot has its program.
  if (!anything_wrong(report)) wiring.check_reach();
  if (anything_wrong(report)) return nullptr;
  auto fib = FibTables::make(config);
  if (!fib) {
    report.failure = std::move(fib).error();
    return nullptr;
  }
  return std::make_unique<Pipeline>(Pipeline::Parts{.ports = std::move(ports),
                                                    .stages = std::move(stages),
                                                    .chains = std::move(chains),
                                                    .maps = objects.all_maps(),
                                                    .fib = std::move(*fib),
                                                    .sockets = make_sockets(config)});
}

}  // namespace sluice::pipeline
