#pragma once
// One and the same set-up (objects, globals, map contents, prog arrays) made twice: in the running kernel and in Sluice
// on one engine. Tests run both on the same frames and compare what comes out.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/kernel/peer.h"
#include "dataplane/pipeline/frame.h"
#include "dataplane/pipeline/runner.h"
#include "tests/kernel/contents.h"
#include "vm/elf.h"
#include "vm/interpreter.h"

namespace sluice::kernel {

struct Setup {
  struct Entry {
    std::string map;
    Bytes key, value;  // of per-CPU maps: one value, every CPU gets it
  };
  struct Slot {
    std::string map;
    std::uint32_t index = 0;
    std::string object, program;
  };
  struct Part {
    std::string name;  // unique in the set-up
    std::string path;
    std::vector<std::string> programs;  // the first one of the first part is the entry
    std::vector<std::pair<std::string, Bytes>> globals;
    std::vector<Entry> entries;
    std::vector<Slot> slots;
  };
  std::vector<Part> parts;
};

struct Outcome {
  bool ran = false;  // false: the frame was refused
  std::uint32_t verdict = 0;
  Bytes metadata, frame;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

// Map contents by "part.map".
using Contents = std::map<std::string, Entries>;

class Side {
 public:
  virtual ~Side() = default;
  virtual Outcome run(const Bytes& metadata, const Bytes& frame) = 0;
  // Of declared maps and data sections that are not constant, see contents.h. At the end also large arrays, which take
  // long and which programs here do not write, and all that queues and rings hold, which is then gone.
  virtual Contents contents(bool at_end) = 0;
};

// Whether `contents` has that map.
bool is_compared(const vm::MapSpec& spec, bool at_end);

// Errors name what could not be made.
Result<std::unique_ptr<Side>> kernel_side(const Setup& setup);

// Executions and both sides of every branch of an entry program, summed over set-ups.
struct Coverage {
  vm::LoadedProgram program;
  std::vector<std::uint64_t> counts;
  std::vector<vm::BranchCount> branches;
  std::vector<bool> reachable;
  std::string fault;  // the last one of the checked interpreter; empty, or the verifier is wrong
};
// By "object program". Filled by the interpreter's side only.
using CoverageMap = std::map<std::string, Coverage>;

Result<std::unique_ptr<Side>> sluice_side(const Setup& setup, pipeline::Engine engine, CoverageMap* coverage = nullptr);

// Pins the calling thread to CPU 0, so that per-CPU values meet in the same slot.
void pin_to_cpu0();

}  // namespace sluice::kernel
