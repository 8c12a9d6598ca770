#pragma once
// A configuration in the test's text to a Pipeline, with what was said on the way.
#include <memory>
#include <string>

#include "dataplane/config/config.h"
#include "dataplane/pipeline/loader.h"
#include "helpers/table.h"
#include "tests/unit/pipeline/support.h"

namespace sluice::pipeline {

struct Loading {
  config::Sources sources;
  LoadReport report;
  std::unique_ptr<Pipeline> pipeline;
  bool read = false;

  // The messages of all mistakes and warnings, a line each, and the texts of rejections.
  [[nodiscard]] std::string said() const {
    std::string text;
    for (const Diagnostic& d : report.diagnostics.all()) {
      text += std::to_string(d.line) + (d.severity == Severity::kWarning ? ": warning: " : ": ") + d.message + "\n";
    }
    for (const Rejected& rejected : report.rejected) text += rejected.text;
    return text;
  }
};

inline std::string object(const std::string& name) { return std::string(SLUICE_PIPELINE_OBJECTS) + "/" + name + ".o"; }

// Three ports a, b, c with ifindex 1, 2, 3, then `text`.
inline std::unique_ptr<Loading> load_text(const std::string& text, Engine engine = Engine::kInterp) {
  auto loading = std::make_unique<Loading>();
  Diagnostics diagnostics;
  const std::string path = write_temporary("pipeline.yaml", "version: 1\nports: {a: {}, b: {}, c: {}}\n" + text);
  const auto config = config::read_config(path, {}, loading->sources, diagnostics);
  EXPECT_TRUE(config) << diagnostics.render();
  if (!config) return loading;
  loading->read = true;
  loading->pipeline = load(*config, loading->sources, helpers::table(), {.engine = engine}, loading->report);
  return loading;
}

}  // namespace sluice::pipeline
