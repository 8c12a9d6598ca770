// sluice graph CONFIG: what reaches what, as text or for graphviz.
#include <cstdio>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/diagnostics.h"
#include "dataplane/cli/common.h"
#include "dataplane/cli/verbs.h"
#include "dataplane/config/config.h"

namespace sluice::cli {
namespace {

// "entry", or "first -> second" of a chain.
std::string programs_of(const config::Pipeline& pipeline) {
  if (pipeline.chain.empty()) return pipeline.entry.value;
  std::string out;
  for (const config::ChainLink& link : pipeline.chain) out += (out.empty() ? "" : " -> ") + link.program.value;
  return out;
}

// Whose XDP_PASS is the pipeline's.
const std::string& last_of(const config::Pipeline& pipeline) {
  return pipeline.chain.empty() ? pipeline.entry.value : pipeline.chain.back().program.value;
}

std::string text_of(const config::Config& config) {
  std::string out;
  for (const config::Attach& attach : config.attach) {
    for (const config::Text& port : attach.ports) {
      if (!attach.ingress.value.empty()) out += fmt::format("{} -> [{}]\n", port.value, attach.ingress.value);
      if (!attach.egress.value.empty()) out += fmt::format("[{}] -> {}\n", attach.egress.value, port.value);
    }
  }
  for (const config::Pipeline& p : config.pipelines) {
    out += fmt::format("[{}] {}\n", p.name.value, programs_of(p));
    for (const auto& [map, slots] : p.tail_calls) {
      for (const config::TailCall& call : slots) {
        out += fmt::format("    {}[{}] -> {}\n", map.value, call.slot.value, call.program.value);
      }
    }
    if (!p.on_pass.value.empty()) out += fmt::format("    pass -> {}\n", p.on_pass.value);
  }
  return out;
}

// Names may hold anything a YAML key may: quotes and backslashes are escaped.
std::string in_quotes(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string dot_of(const config::Config& config) {
  std::string out = "digraph sluice {\n  rankdir=LR;\n  node [shape=box];\n";
  for (const config::Port& port : config.ports)
    out += fmt::format("  {} [shape=ellipse];\n", in_quotes(port.name.value));
  for (const config::Attach& attach : config.attach) {
    for (const config::Text& port : attach.ports) {
      if (const auto* p = config.pipeline(attach.ingress.value)) {
        out += fmt::format("  {} -> {};\n", in_quotes(port.value), in_quotes(p->entry.value));
      }
      if (const auto* p = config.pipeline(attach.egress.value)) {
        out += fmt::format("  {} -> {} [label=egress];\n", in_quotes(last_of(*p)), in_quotes(port.value));
      }
    }
  }
  for (const config::Pipeline& p : config.pipelines) {
    for (std::size_t i = 1; i < p.chain.size(); ++i) {
      out += fmt::format("  {} -> {} [label=chain];\n", in_quotes(p.chain[i - 1].program.value),
                         in_quotes(p.chain[i].program.value));
    }
    for (const auto& [map, slots] : p.tail_calls) {
      for (const config::TailCall& call : slots) {
        if (call.program.value == p.entry.value) continue;
        out += fmt::format("  {} -> {} [label={}];\n", in_quotes(p.entry.value), in_quotes(call.program.value),
                           in_quotes(map.value + "[" + call.slot.value + "]"));
      }
    }
    if (!p.on_pass.value.empty() && p.on_pass.value != "drop") {
      out += fmt::format("  {} -> {} [label=pass, style=dashed];\n", in_quotes(last_of(p)), in_quotes(p.on_pass.value));
    }
  }
  return out + "}\n";
}

}  // namespace

int graph(const Graph& options) {
  if (options.format != "text" && options.format != "dot") {
    return fail({ErrorCode::kUsage, fmt::format("format '{}': expected text or dot", options.format)});
  }
  config::Sources sources;
  Diagnostics diagnostics;
  const auto config = config::read_config(options.config, {}, sources, diagnostics);
  std::fputs(diagnostics.render().c_str(), stderr);
  if (!config) return kConfig;
  const std::string drawn = options.format == "dot" ? dot_of(*config) : text_of(*config);
  if (options.common.json) {
    const nlohmann::json out = {{"version", 1}, {"format", options.format}, {"graph", drawn}};
    fmt::print("{}\n", out.dump(2));
  } else {
    std::fputs(drawn.c_str(), stdout);
  }
  return kOk;
}

}  // namespace sluice::cli
