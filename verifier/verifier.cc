#include "verifier/verifier.h"

#include <algorithm>
#include <chrono>

#include "verifier/explain.h"
#include "verifier/explore.h"
#include "verifier/proof.h"
#include "verifier/report.h"

namespace sluice::verifier {

// The only maker of VerifiedPrograms: it runs all the steps, and makes one when none of them objects.
class Proof {
 public:
  Proof(vm::LoadedProgram program, const vm::HelperTable& helpers, const Options& options, RuleSet rules)
      : program_(std::move(program)), context_(program_, helpers, options, rules) {}

  Outcome run() {
    const auto start = std::chrono::steady_clock::now();
    statistics_.insns = static_cast<std::uint32_t>(program_.insns.size());
    Check failed = prove();
    const auto spent = std::chrono::steady_clock::now() - start;
    statistics_.microseconds =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(spent).count());
    if (failed) {
      tell_how(*failed);
      return {make_rejection(std::move(*failed), program_), statistics_};
    }
    vm::Facts facts = take_facts();
    program_.subprograms = std::move(context_.cfg.subprograms);
    return {vm::VerifiedProgram(vm::VerifierKey{}, std::move(program_), std::move(facts)), statistics_};
  }

 private:
  Check prove() {
    if (Check failed = build_cfg(program_, context_.helpers, context_.rules, context_.cfg)) return failed;
    context_.live = find_liveness(program_, context_.helpers, context_.cfg);
    context_.size_subprograms();
    if (Check failed = explore(context_, statistics_)) return failed;
    return check_stack_depth(program_, context_.rules, context_.cfg, context_.frame_bytes,
                             {context_.called_back, context_.called_later}, statistics_.stack);
  }

  // The walk that failed once more, with its path recorded, for the message.
  void tell_how(Failure& failed) {
    Context again(program_, context_.helpers, context_.options, context_.rules);
    PathTree paths;
    again.paths = &paths;
    again.cfg = context_.cfg;
    again.live = context_.live;
    again.size_subprograms();
    if (again.frame_bytes.empty() || again.live.before.empty()) return;  // it failed before it walked
    Statistics unused;
    const Check same = explore(again, unused);
    if (same && same->code == failed.code && same->insn == failed.insn) explain(failed, again, paths);
  }

  vm::Facts take_facts() {
    vm::Facts facts = std::move(context_.recorder.facts);
    facts.stack_depth = statistics_.stack;
    facts.slots_to_clear = std::move(context_.clear);
    facts.frame_bytes = std::move(context_.frame_bytes);
    std::ranges::sort(facts.tail_call_maps);
    const auto twice = std::ranges::unique(facts.tail_call_maps);
    facts.tail_call_maps.erase(twice.begin(), twice.end());
    return facts;
  }

  vm::LoadedProgram program_;
  Context context_;
  Statistics statistics_;
};

Outcome verify_by(RuleSet rules, vm::LoadedProgram program, const vm::HelperTable& helpers, const Options& options) {
  return Proof(std::move(program), helpers, options, rules).run();
}

Outcome verify(vm::LoadedProgram program, const vm::HelperTable& helpers, const Options& options) {
  return verify_by(RuleSet{}, std::move(program), helpers, options);
}

}  // namespace sluice::verifier
