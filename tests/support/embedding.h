#pragma once
// Accepted means harmless: runs what the verifier accepted in the checked interpreter, which stops at every access
// outside what the program owns, at every fact that does not hold, and at every register that lies outside what the
// verifier claimed (Facts::claims, when they were recorded). The state-embedding oracle of all tests of the verifier.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tests/support/packets.h"
#include "vm/helper_desc.h"
#include "vm/interpreter.h"
#include "vm/program.h"

namespace sluice::testing_support {

// Frames of 0 to 255 bytes, the first ones of lengths around those that headers have; the same for the same seed.
std::vector<Bytes> random_frames(std::uint32_t seed, std::size_t count);

// Runs `program` on each of `frames`, with metadata, room behind the frame and context fields that `seed` chooses.
// Timers it arms are run behind each frame. Its prog arrays hold the program itself in their slots 0 and 1 meanwhile.
// Returns what went wrong first, or nothing. Type `memory`: the frames' bytes are its memory; they must have the size
// that the verifier was told. `steps` sees every step.
std::string violation(const vm::VerifiedProgram& program, const vm::HelperTable& helpers, std::span<const Bytes> frames,
                      std::uint32_t seed, vm::StepObserver* steps = nullptr);

// Runs up to eight of the functions that env.timers is to call, due or not; the first thing that went wrong. `env` and
// `options` are those of the run that armed them.
std::optional<vm::Fault> run_timers(const vm::HelperTable& helpers, vm::ExecEnv& env,
                                    const vm::InterpreterOptions& options);

}  // namespace sluice::testing_support
