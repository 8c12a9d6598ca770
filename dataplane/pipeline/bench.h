#pragma once
// How long a program takes over frames, hot: each slice restores the frames, then times nothing but the bursts. Used by
// `sluice bench` and bench/engines. One thread; the program's maps keep what the runs write.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "dataplane/pipeline/frame.h"
#include "dataplane/pipeline/pipeline.h"
#include "dataplane/pipeline/runner.h"
#include "vm/exec_env.h"
#include "vm/timers.h"

namespace sluice::pipeline {

class ProgramTimer {
 public:
  static constexpr std::size_t kFrames = 64;  // in memory at a time, two bursts: small enough to stay in the caches

  // The frames that fit, in order, repeated up to kFrames of them. An Error (kUsage) when none fits. `runner` must
  // outlive the timer; `stage` is its ProgramSlot's.
  static Result<ProgramTimer> make(const Runner& runner, std::span<const std::vector<std::byte>> frames,
                                   std::uint32_t ingress_ifindex, std::uint16_t stage);
  // The same of what frames of a chain run, each link's programs as the one before let them, with the pipeline's
  // routes, sockets and timers. `chain` is an index into its chains(); the pipeline must outlive the timer.
  static Result<ProgramTimer> make(const Pipeline& pipeline, std::size_t chain,
                                   std::span<const std::vector<std::byte>> frames, std::uint32_t ingress_ifindex);

  // ns a frame over at least `seconds`, the cost of reading the clock taken off.
  double measure(double seconds);
  // Instructions a frame, from one pass over the frames; 0 from the JIT.
  double insns();
  // Whether a pass changes bytes or place of a frame: then running twice over one frame is not the same thing twice.
  bool changes_frames();

 private:
  explicit ProgramTimer(const Runner& runner);
  // Takes the frames that fit. An Error when none does.
  Result<void> load(std::span<const std::vector<std::byte>> frames, bool frags, std::uint32_t ingress_ifindex,
                    std::uint16_t stage);
  void restore();
  void run(std::uint64_t* insns);
  void run_links(std::uint64_t* insns);

  const Runner* runner_;                // of the entry
  const Pipeline* pipeline_ = nullptr;  // where links_ are from
  std::span<const Link> links_;         // of a `chain:`; empty: the entry program and those it tail-calls
  std::vector<FrameBuffer> buffers_;
  std::vector<std::vector<std::byte>> bytes_;  // of each frame, frag included
  std::vector<vm::XdpContext> fresh_;          // as loaded
  std::vector<vm::XdpContext> contexts_;
  std::vector<std::uint32_t> verdicts_;
  // Armed, and never run: what a burst costs is measured. Of one program, or of the pipeline when it has any.
  std::unique_ptr<vm::LocalTimers> timers_;
  std::unique_ptr<vm::Timers> pipeline_timers_;
  vm::ExecEnv env_;
};

// The middle of the values, the mean of the two middle ones when they are even in number; 0 of none.
double median(std::vector<double> values);

// 64 bytes: Ethernet, IPv4, UDP to port 9. What is measured where no capture is given.
std::vector<std::byte> small_udp_frame();

}  // namespace sluice::pipeline
