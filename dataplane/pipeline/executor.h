#pragma once
// Frames in, outcomes out: runs the pipeline of an ingress port over a burst, judges what the programs returned, and
// hands every frame to a FrameSink exactly once. Nothing a program returns is believed. Knows frames, not where they
// live: replay gives it plain buffers, live ports give it mbufs. One Executor a worker; data path throughout.
#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/pipeline/pipeline.h"
#include "dataplane/pipeline/stats.h"
#include "vm/exec_env.h"
#include "vm/timers.h"
#include "vm/xdp.h"

namespace sluice::pipeline {

constexpr unsigned kBurst = 32;  // frames of one run() at most

// What is told about a frame that leaves.
struct Passage {
  unsigned index = 0;         // of the frame in the burst; clones have their original's
  std::uint32_t verdict = 0;  // column of Stats: a vm::Verdict or kInvalidVerdict; what the ingress pipeline said
  // Stages run, in order: the ingress pipeline's, then the program of a cpumap's and of a devmap's entry, then the
  // egress pipeline's; of frames handed over, from the cpumap's on. Empty unless the Executor records paths. Valid
  // during the call.
  std::span<const std::uint16_t> path;
};

// What another CPU has to know about a frame that a CPUMAP's entry sends to it.
struct Handed {
  std::uint16_t port = 0;      // it came in by: that port's pipeline says where XDP_PASS leads
  std::int32_t stage = kNone;  // of the entry's program, as it was when the frame was sent; kNone = none
  bool operator==(const Handed&) const = default;
};

enum class HandOver : std::uint8_t {
  kHere,      // nobody else runs programs: the Executor goes on with the frame
  kTaken,     // somebody will call `run_handed` with it
  kFull,      // as many frames wait there as the entry allows
  kNoWorker,  // nobody takes frames for that CPU
};

// Where frames go. A frame passed to `send` or `drop`, or taken by `hand_over`, is gone for the Executor.
class FrameSink {
 public:
  virtual ~FrameSink() = default;
  // A copy of `frame` in memory of its own, metadata and addresses' meaning kept. Lives until it is sent or dropped,
  // which happens before the next call of clone. Null when there is no memory: the copy is then lost and counted.
  virtual vm::XdpContext* clone(const vm::XdpContext& frame) noexcept = 0;
  // `port` is an index into Pipeline::ports().
  virtual void send(const Passage& passage, vm::XdpContext& frame, std::uint16_t port) noexcept = 0;
  virtual void drop(const Passage& passage, vm::XdpContext& frame, DropReason reason) noexcept = 0;
  // A frame for the CPU `frame.redirect.ifindex` by that entry of the CPUMAP `frame.redirect.map`.
  virtual HandOver hand_over(const Handed& /*handed*/, vm::XdpContext& /*frame*/) noexcept { return HandOver::kHere; }
};

class Executor {
 public:
  // All must outlive the Executor; `env` gets the pipeline's routes and timers of this worker (env.worker). `stats`
  // must have been made for the pipeline's number of ports and stages.
  Executor(const Pipeline& pipeline, Stats& stats, vm::ExecEnv& env, FrameSink& sink, bool record_paths);

  // Runs `frames` (at most kBurst, fresh contexts) that came in by `port`; sets ingress ifindex and path itself.
  void run(std::uint16_t port, std::span<vm::XdpContext> frames) noexcept;
  // Runs `frames` (at most kBurst) that another Executor of the same pipeline, or this one, gave to `hand_over`: all
  // with the same `handed`. Fresh contexts but for data, metadata and room. Received they are counted where they came
  // in.
  void run_handed(const Handed& handed, std::span<vm::XdpContext> frames) noexcept;
  // Calls what timers are due at `now_ns` of the environment's clock, at most `most`, and how many that were. Between
  // bursts.
  unsigned run_timers(std::uint64_t now_ns, unsigned most) noexcept {
    return has_timers() ? timers_->run_due(now_ns, most, env_) : 0;
  }
  [[nodiscard]] bool has_timers() const noexcept { return timers_ && timers_->any(); }
  // Counts a frame of `bytes` that came in by `port` and could not even be made a context.
  void refuse(std::uint16_t port, std::uint64_t bytes, DropReason reason) noexcept;
  // No other thread runs programs of this pipeline: a frame that a CPUMAP sends to another CPU is run here with that
  // CPU's number. Without it programs of cpumap entries that are run here keep this worker's number, whose share of the
  // maps is its own.
  void stand_for_all_cpus() noexcept { stands_for_all_cpus_ = true; }

 private:
  struct Broadcast;
  struct Target {
    std::int32_t port = kNone;
    const vm::ProgramSlot* program = nullptr;  // of the devmap entry, or null
  };
  static void visit(void* state, std::uint32_t key, const vm::DevmapEntry& entry) noexcept;

  void judge(std::uint16_t port, const Chain& chain, Passage& passage, vm::XdpContext& frame,
             std::uint32_t raw) noexcept;
  void pass(std::uint16_t port, const Chain& chain, Passage& passage, vm::XdpContext& frame) noexcept;
  void redirect(std::uint16_t port, const Chain& chain, Passage& passage, vm::XdpContext& frame) noexcept;
  // A frame that a CPUMAP's entry sends to a CPU.
  void to_cpu(std::uint16_t port, const Chain& chain, Passage& passage, vm::XdpContext& frame) noexcept;
  // The same where nobody else takes it.
  void run_here(const Handed& handed, const Chain& chain, Passage& passage, vm::XdpContext& frame) noexcept;
  // What the program of a CPUMAP's entry said.
  void judge_handed(std::uint16_t port, const Chain& chain, Passage& passage, vm::XdpContext& frame,
                    std::uint32_t raw) noexcept;
  void broadcast(Passage& passage, vm::XdpContext& frame) noexcept;
  void deliver(Passage passage, vm::XdpContext& frame, const Target& target) noexcept;
  void leave(Passage passage, vm::XdpContext& frame, std::uint16_t port) noexcept;
  void drop(const Passage& passage, vm::XdpContext& frame, DropReason reason) noexcept;
  // Runs one stage over one frame and counts the run; what it returned.
  std::uint32_t run_one(std::size_t stage, std::vector<StageCounters>& counters, Passage& passage,
                        vm::XdpContext& frame) noexcept;
  // Runs `entry`, or the links of a chain one after another until one does not go on; what came out.
  std::uint32_t run_chain(const Chain& chain, std::vector<StageCounters>& counters, Passage& passage,
                          vm::XdpContext& frame) noexcept;
  // Makes a frame one that is about to leave by `port`.
  void begin_egress(vm::XdpContext& frame, std::uint16_t port) const noexcept;
  // Counts the stages that a run over `frame` went through and appends them to the passage's path.
  void count_run(std::vector<StageCounters>& counters, Passage& passage, const vm::XdpContext& frame) noexcept;
  // Counts what the last of them returned; of a chain that is its last program, or the frame passes behind it.
  void count_verdict(std::vector<StageCounters>& counters, const vm::XdpContext& frame, std::uint32_t raw) noexcept;
  [[nodiscard]] bool fits(const vm::XdpContext& frame, std::int32_t port) const noexcept;

  const Pipeline& pipeline_;
  Stats& stats_;
  vm::ExecEnv& env_;
  std::optional<vm::Timers> timers_;  // none when no map has timers
  FrameSink& sink_;
  bool record_paths_;
  bool stands_for_all_cpus_ = false;
  std::array<std::uint32_t, kBurst> verdicts_{};
  // Chains of ingress and egress, a program of a cpumap, one of a devmap.
  std::array<std::uint16_t, (2 * kMaxLinks + 2) * (vm::kMaxTailCalls + 1)> path_{};
};

}  // namespace sluice::pipeline
