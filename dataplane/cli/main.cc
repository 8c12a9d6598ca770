// The binary: options to the structs of verbs.h, the one catch. The only file that sees CLI11.
#include <cstdio>
#include <exception>
#include <functional>
#include <string>

#include <CLI/CLI.hpp>

#include "dataplane/cli/verbs.h"

namespace {

using namespace sluice::cli;

// Options every verb has.
void add_common(CLI::App* verb, Common& common) {
  verb->add_flag("-j,--json", common.json, "machine-readable result");
  verb->add_flag("-q,--quiet", common.quiet, "less output");
  verb->add_flag("-v,--verbose", common.verbose, "more output");
}

// "a=b" arguments to pairs; CLI11 turns the thrown ValidationError into exit 2.
void split_pairs(const std::vector<std::string>& texts, std::vector<std::pair<std::string, std::string>>& pairs,
                 const char* option) {
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos)
      throw CLI::ValidationError(option, "'" + text + "': expected NAME=VALUE");
    pairs.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
}

// A repeatable option takes one value each time, so that what follows it may be the next argument.
CLI::Option* repeatable(CLI::Option* option) { return option->allow_extra_args(false); }

struct Options {
  Check check;
  Replay replay;
  Events events;
  Run live;
  ProgShow show;
  ProgVerify verify;
  ProgDump dump;
  ProgRun run;
  Bench bench;
  Exec exec;
  Graph graph;
  std::string code, page;
  std::vector<std::string> set, inputs;
  std::function<int()> action;
};

// Of verbs that replay captures.
void add_replay_options(CLI::App* verb, Options& o, Replay& replay) {
  add_common(verb, replay.common);
  verb->add_option("CONFIG", replay.config, "pipeline file")->required();
  repeatable(verb->add_option("-i,--input", o.inputs, "PORT=CAPTURE, repeatable; merged by time stamp"))->required();
  repeatable(verb->add_option("--engine", replay.engines, "interp, jit; several must agree byte for byte"));
  verb->add_option("--clock", replay.clock, "pcap (default) or fixed");
  verb->add_option("--frame-model", replay.frame_model, "native (default) or linux");
  verb->add_option("--seed", replay.seed, "of bpf_get_prandom_u32 and SYN cookies");
  repeatable(verb->add_option("--set", o.set, "override a value"));
}

void split_replay_pairs(const Options& o, Replay& replay) {
  split_pairs(o.inputs, replay.inputs, "--input");
  split_pairs(o.set, replay.set, "--set");
}

void add_config_verbs(CLI::App& app, Options& o) {
  auto* check = app.add_subcommand("check", "parse, wire, verify and compile a configuration; open no port");
  add_common(check, o.check.common);
  check->add_option("CONFIG", o.check.configs, "pipeline files")->required();
  repeatable(check->add_option("--set", o.set, "override a value: ports.wan0.device=eth0"));
  check->callback([&o] {
    split_pairs(o.set, o.check.set, "--set");
    o.action = [&o] { return sluice::cli::check(o.check); };
  });

  auto* replay = app.add_subcommand("replay", "send captures through a pipeline");
  add_replay_options(replay, o, o.replay);
  replay->add_option("-o,--output", o.replay.output, "DIR/ or a pattern such as 'out/%p.pcapng'");
  replay->callback([&o] {
    split_replay_pairs(o, o.replay);
    o.action = [&o] { return sluice::cli::replay(o.replay); };
  });

  auto* events = app.add_subcommand("events", "what programs write to perf arrays and ring buffers on replay");
  add_replay_options(events, o, o.events.replay);
  events->add_option("MAP", o.events.maps, "only these maps");
  repeatable(events->add_option("--type", o.events.types,
                                "STRUCT or MAP=STRUCT of the object's BTF: what records begin with"));
  events->add_option("-w,--write", o.events.write, "pcapng file of the packets in records, which are not printed then");
  events->callback([&o] {
    split_replay_pairs(o, o.events.replay);
    o.action = [&o] { return sluice::cli::events(o.events); };
  });

  auto* live = app.add_subcommand("run", "carry frames between live ports until SIGTERM or SIGINT");
  add_common(live, o.live.common);
  live->add_option("CONFIG", o.live.config, "pipeline file")->required();
  repeatable(live->add_option("--set", o.set, "override a value: ports.wan0.device=eth0"));
  live->add_option("--for", o.live.duration, "stop by itself after a time such as 10s, 500ms or 2m");
  live->add_option("--engine", o.live.engine, "interp or jit");
  live->callback([&o] {
    split_pairs(o.set, o.live.set, "--set");
    o.action = [&o] { return sluice::cli::run(o.live); };
  });

  auto* graph = app.add_subcommand("graph", "what reaches what");
  add_common(graph, o.graph.common);
  graph->add_option("CONFIG", o.graph.config, "pipeline file")->required();
  graph->add_option("--format", o.graph.format, "text (default) or dot");
  graph->callback([&o] { o.action = [&o] { return sluice::cli::graph(o.graph); }; });

  auto* schema = app.add_subcommand("schema", "JSON Schema of the pipeline file, or a page of the docs");
  schema->add_option("--page", o.page, "config, helpers, drops or errors");
  schema->callback([&o] { o.action = [&o] { return sluice::cli::schema(o.page); }; });
  auto* explain = app.add_subcommand("explain-error", "what a verifier code means");
  explain->add_option("CODE", o.code, "such as pkt-bounds")->required();
  explain->callback([&o] { o.action = [&o] { return explain_error(o.code); }; });
}

constexpr const char* kTypeHelp = "xdp, xdp/devmap or xdp/cpumap: what to take it for, whatever its section says";

void add_program_verbs(CLI::App& app, Options& o) {
  auto* prog = app.add_subcommand("prog", "programs of an object");
  prog->require_subcommand(1);

  auto* show = prog->add_subcommand("show", "programs and maps of an object");
  add_common(show, o.show.common);
  show->add_option("OBJ", o.show.object, "object file")->required();
  show->callback([&o] { o.action = [&o] { return prog_show(o.show); }; });

  auto* verify = prog->add_subcommand("verify", "verify programs; exit 4 when one is refused");
  add_common(verify, o.verify.common);
  verify->add_option("OBJ", o.verify.object, "object file")->required();
  verify->add_option("--program", o.verify.program, "only this one");
  verify->add_option("--type", o.verify.type, kTypeHelp);
  verify->add_option("--btf", o.verify.btf, "file with the kernel's types, for CO-RE");
  repeatable(verify->add_option("--kconfig", o.verify.kconfig, "NAME=VALUE of a .kconfig variable"));
  verify->add_flag("--allow-ptr-leaks", o.verify.allow_ptr_leaks,
                   "allow storing pointers into packets and maps, and returning them");
  verify->callback([&o] { o.action = [&o] { return prog_verify(o.verify); }; });

  auto* dump = prog->add_subcommand("dump", "instructions, machine code, types or flow graph");
  add_common(dump, o.dump.common);
  dump->add_option("OBJ", o.dump.object, "object file")->required();
  dump->add_option("WHAT", o.dump.what, "bpf, jit, btf or cfg")->required();
  dump->add_option("--program", o.dump.program, "only this one");
  dump->add_option("--type", o.dump.type, kTypeHelp);
  dump->add_option("--btf", o.dump.btf, "file with the kernel's types, for CO-RE");
  repeatable(dump->add_option("--kconfig", o.dump.kconfig, "NAME=VALUE of a .kconfig variable"));
  dump->callback([&o] { o.action = [&o] { return prog_dump(o.dump); }; });

  auto* run = prog->add_subcommand("run", "run a program over a frame or a capture");
  add_common(run, o.run.common);
  run->add_option("OBJ", o.run.object, "object file")->required();
  run->add_option("--program", o.run.program, "which one");
  run->add_option("--type", o.run.type, kTypeHelp);
  run->add_option("--btf", o.run.btf, "file with the kernel's types, for CO-RE");
  repeatable(run->add_option("--kconfig", o.run.kconfig, "NAME=VALUE of a .kconfig variable"));
  run->add_option("--data-in", o.run.data_in, "raw frame or capture")->required();
  run->add_option("--data-out", o.run.data_out, "where the frame goes");
  run->add_option("--repeat", o.run.repeat, "runs");
  run->add_option("--engine", o.run.engine, "interp or jit");
  run->add_option("--maps", o.run.maps, "fixture with a maps: section");
  repeatable(run->add_option("--record-type", o.run.record_types,
                             "STRUCT or MAP=STRUCT: what records begin with that the fixture has read"));
  run->add_option("--dump-maps", o.run.dump_maps, "where map contents go, JSON");
  run->add_option("--ingress-ifindex", o.run.ingress_ifindex, "what the program sees");
  run->add_option("--frame-model", o.run.frame_model, "linux (default) or native");
  run->callback([&o] { o.action = [&o] { return prog_run(o.run); }; });

  auto* bench = app.add_subcommand("bench", "ns a frame of a program or of a port's pipeline");
  add_common(bench, o.bench.common);
  bench->add_option("SUBJECT", o.bench.subject, "object or pipeline file")->required();
  bench->add_option("--program", o.bench.program, "which one of an object");
  bench->add_option("--type", o.bench.type, kTypeHelp);
  bench->add_option("--port", o.bench.port, "where frames come in, of a pipeline file");
  repeatable(bench->add_option("--set", o.set, "override a value of a pipeline file"));
  bench->add_option("--maps", o.bench.maps, "fixture with a maps: section, of an object");
  bench->add_option("--pcap", o.bench.pcap, "capture whose first 64 frames are used; else one UDP frame of 64 bytes");
  repeatable(bench->add_option("--engine", o.bench.engines, "interp, jit; both when none is named"));
  bench->add_option("--against", o.bench.against, "kernel: the running one beside them");
  bench->add_option("--rounds", o.bench.rounds, "interleaved rounds whose median counts, default 9");
  bench->callback([&o] {
    split_pairs(o.set, o.bench.set, "--set");
    o.action = [&o] { return sluice::cli::bench(o.bench); };
  });

  auto* exec = app.add_subcommand("exec", "run raw instructions given as hex on standard input");
  add_common(exec, o.exec.common);
  exec->add_option("MEMORY", o.exec.memory_hex, "memory handed to the program, hex");
  exec->add_option("--engine", o.exec.engine, "interp or jit");
  exec->callback([&o] { o.action = [&o] { return sluice::cli::exec(o.exec); }; });
}

int parse_and_run(int argc, char** argv) {
  CLI::App app{"XDP-style software switch in user space", "sluice"};
  app.set_version_flag("--version", version());
  app.require_subcommand(1);
  Options options;
  add_config_verbs(app, options);
  add_program_verbs(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool asked = error.get_exit_code() == 0;  // --help, --version
    app.exit(error);
    return asked ? kOk : kUsage;
  }
  return options.action();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return parse_and_run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sluice: internal error: %s\n", error.what());
    return kInternal;
  }
}
