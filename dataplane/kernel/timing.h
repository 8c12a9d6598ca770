#pragma once
// How long the running kernel takes over a program that is ready here: its maps with their contents and the programs
// that its prog arrays hold are made again in the kernel. Time is what BPF_PROG_TEST_RUN reports, of a program that
// calls the one in question 64 times a run, so that the loop around it hardly counts. Control path, one thread.
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "base/result.h"
#include "dataplane/kernel/peer.h"

namespace sluice::kernel {

struct FrameTime {
  double ns = 0;       // a frame, the call of the program included
  double call_ns = 0;  // what calling a program costs that does nothing; 0 when it was not called but run by itself
};

class ProgramTimer {
 public:
  // Errors: kEnvironment when the kernel may not be asked or cannot make a map, kProgram when it refuses the program.
  static Result<ProgramTimer> make(const vm::VerifiedProgram& entry);

  // The mean over the frames, each run over at least `seconds` divided by their number. The kernel does not restore a
  // frame between runs.
  Result<FrameTime> measure(std::span<const std::vector<std::byte>> frames, double seconds) const;

 private:
  // A program and how often it does its work in one run.
  struct Timed {
    Fd fd;
    std::uint32_t times = 1;
  };
  ProgramTimer() = default;
  Result<void> make_maps(const vm::VerifiedProgram& entry);
  Result<void> copy(vm::Map& from, const MapHandle& to) const;
  Result<void> fill_prog_arrays();
  Result<Fd> load(const vm::LoadedProgram& program) const;
  static Result<double> ns_a_run(const Fd& program, std::span<const std::byte> frame, double seconds);

  std::map<const vm::Map*, Fd> maps_;
  std::map<const vm::VerifiedProgram*, Fd> programs_;  // the entry and what tail calls reach from it
  Timed entry_, nothing_;
};

}  // namespace sluice::kernel
