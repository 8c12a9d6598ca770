// `sluice --version`.
#include <string>

#include <fmt/format.h>

#include "dataplane/cli/verbs.h"
#include "dataplane/pipeline/runner.h"
#include "vm/btf.h"

namespace sluice::cli {
namespace {

std::string engines() {
  std::string names;
  for (const pipeline::Engine engine : {pipeline::Engine::kInterp, pipeline::Engine::kJit}) {
    names += fmt::format(" {}", pipeline::engine_name(engine));
  }
  return names;
}

// For reports of bugs and of speed: what this CPU has of the instruction sets that packet code gains by.
std::string cpu_features() {
  std::string names;  // The builtin takes literals only: no table.
  if (__builtin_cpu_supports("sse4.2")) names += " sse4.2";
  if (__builtin_cpu_supports("bmi")) names += " bmi";
  if (__builtin_cpu_supports("bmi2")) names += " bmi2";
  if (__builtin_cpu_supports("avx2")) names += " avx2";
  return names.empty() ? " none of sse4.2 bmi bmi2 avx2" : names;
}

}  // namespace

std::string version() {
  return fmt::format("sluice {}\nengines:{}\n{}\nlibbpf: {}\ncpu:{}", SLUICE_VERSION, engines(), live_version(),
                     vm::libbpf_version(), cpu_features());
}

}  // namespace sluice::cli
