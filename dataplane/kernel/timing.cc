#include "dataplane/kernel/timing.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace sluice::kernel {
namespace {

constexpr std::uint32_t kTimes = 64;  // calls a run
constexpr std::uint32_t kMostRepeats = 1'000'000;
constexpr std::uint32_t kLoopback = 1;  // ifindex of `lo`, which exists everywhere

bool is_devmap(vm::MapType type) { return type == vm::MapType::kDevmap || type == vm::MapType::kDevmapHash; }

// r0 = XDP_PASS; exit
std::vector<vm::Insn> nothing() { return {{.opcode = 0xb7, .imm = 2}, {.opcode = 0x95}}; }

// `program` behind a loop that calls it kTimes with the same context.
vm::LoadedProgram repeated(const vm::LoadedProgram& program) {
  std::vector<vm::Insn> insns = {
      {.opcode = 0xbf, .dst = 6, .src = 1},                                  // r6 = r1
      {.opcode = 0xb7, .dst = 7, .imm = static_cast<std::int32_t>(kTimes)},  // r7 = kTimes
      {.opcode = 0xbf, .dst = 1, .src = 6},                                  // r1 = r6
      {.opcode = 0x85, .src = 1, .imm = 3},                                  // call the program, behind `exit`
      {.opcode = 0x17, .dst = 7, .imm = 1},                                  // r7 -= 1
      {.opcode = 0x55, .dst = 7, .offset = -4, .imm = 0},                    // if r7 != 0 goto r1 = r6
      {.opcode = 0x95},                                                      // exit
  };
  vm::LoadedProgram wrapped = program;
  insns.insert(insns.end(), program.insns.begin(), program.insns.end());
  wrapped.insns = std::move(insns);
  return wrapped;
}

}  // namespace

Result<Fd> ProgramTimer::load(const vm::LoadedProgram& program) const {
  std::vector<Fd> descriptors(program.maps.size());
  for (std::size_t i = 0; i < program.maps.size(); ++i) {
    const auto found = maps_.find(program.maps[i].get());
    if (found != maps_.end()) descriptors[i] = found->second.duplicate();
  }
  RawProgram loaded = load_instructions(program, descriptors);
  if (loaded.verdict.accepted) return std::move(loaded.fd);
  const std::string& log = loaded.verdict.log;
  return Error{ErrorCode::kProgram,
               fmt::format("the kernel refuses program {}: {}\n{}", program.name, std::strerror(loaded.verdict.error),
                           log.substr(log.size() > 2000 ? log.size() - 2000 : 0))};
}

// Of all programs that tail calls reach: the maps, and in programs_ a place for each.
Result<void> ProgramTimer::make_maps(const vm::VerifiedProgram& entry) {
  std::vector<const vm::VerifiedProgram*> open = {&entry};
  for (std::size_t i = 0; i < open.size(); ++i) {
    if (!programs_.emplace(open[i], Fd()).second) continue;
    for (const auto& map : open[i]->program().maps) {
      if (map == nullptr || maps_.contains(map.get())) continue;
      vm::MapSpec spec = map->spec();
      if (is_devmap(spec.type)) spec.flags &= ~vm::kMapReadOnlyProg;  // both sides set it themselves
      auto made = create_map(spec);
      if (!made) return std::move(made).error();
      if (auto done = copy(*map, MapHandle(made->get(), map->spec())); !done) return done;
      maps_.emplace(map.get(), std::move(*made));
      const auto* array = dynamic_cast<const vm::ProgArray*>(map.get());
      for (std::uint32_t slot = 0; array != nullptr && slot < map->spec().max_entries; ++slot) {
        const vm::ProgramSlot* held = array->slot(slot);
        if (held != nullptr && held->program != nullptr) open.push_back(held->program);
      }
    }
  }
  return {};
}

// The contents; of per-CPU maps every CPU gets the first one's. Devices of ours do not exist there: `lo` stands for
// all.
Result<void> ProgramTimer::copy(vm::Map& from, const MapHandle& to) const {
  const vm::MapSpec& spec = from.spec();
  if (spec.type == vm::MapType::kProgArray) return {};
  std::vector<std::byte> key(spec.key_size);
  std::vector<std::byte> next(spec.key_size);
  std::vector<std::byte> value(from.transfer_size());
  for (bool more = from.next_key(nullptr, next.data()); more; more = from.next_key(key.data(), next.data())) {
    key = next;
    if (from.read(key.data(), value.data()) != 0) continue;
    const bool is_zero = std::ranges::all_of(value, [](std::byte b) { return b == std::byte{0}; });
    if (is_zero && (spec.type == vm::MapType::kArray || spec.type == vm::MapType::kPercpuArray)) continue;
    std::vector<std::byte> theirs(to.transfer_size());
    const std::size_t step = from.is_percpu() ? from.percpu_stride() : theirs.size();
    for (std::size_t at = 0; at + step <= theirs.size(); at += step) {
      std::copy_n(value.begin(), std::min(step, value.size()), theirs.begin() + static_cast<std::ptrdiff_t>(at));
    }
    if (is_devmap(spec.type)) {
      std::ranges::fill(theirs, std::byte{0});
      std::memcpy(theirs.data(), &kLoopback, sizeof(kLoopback));
    }
    if (const int status = to.update(key, theirs); status != 0) {
      return Error{ErrorCode::kEnvironment,
                   fmt::format("kernel: map \"{}\" cannot be filled: {}", spec.name, std::strerror(-status))};
    }
  }
  if (from.frozen()) return freeze(to.fd());
  return {};
}

Result<void> ProgramTimer::fill_prog_arrays() {
  for (const auto& [map, fd] : maps_) {
    const auto* array = dynamic_cast<const vm::ProgArray*>(map);
    for (std::uint32_t slot = 0; array != nullptr && slot < map->spec().max_entries; ++slot) {
      const vm::ProgramSlot* held = array->slot(slot);
      if (held == nullptr || held->program == nullptr) continue;
      const int status = MapHandle(fd.get(), map->spec()).set_program(slot, programs_.at(held->program));
      if (status != 0) {
        return Error{ErrorCode::kEnvironment, fmt::format("kernel: slot {} of {} cannot be filled: {}", slot,
                                                          map->spec().name, std::strerror(-status))};
      }
    }
  }
  return {};
}

Result<ProgramTimer> ProgramTimer::make(const vm::VerifiedProgram& entry) {
  if (const std::string why = unavailable(); !why.empty()) return Error{ErrorCode::kEnvironment, why};
  ProgramTimer timer;
  if (auto done = timer.make_maps(entry); !done) return std::move(done).error();
  for (auto& [program, fd] : timer.programs_) {
    auto loaded = timer.load(program->program());
    if (!loaded) return std::move(loaded).error();
    fd = std::move(*loaded);
  }
  if (auto done = timer.fill_prog_arrays(); !done) return std::move(done).error();

  // Where the kernel does not take it as a sub-program (too complex 64 times over, too deep a stack), it runs by
  // itself.
  vm::LoadedProgram empty;
  empty.insns = nothing();
  const auto wrap = [&](const vm::LoadedProgram& program) { return timer.load(repeated(program)); };
  auto wrapped = wrap(entry.program());
  timer.entry_.times = wrapped ? kTimes : 1;
  timer.entry_.fd = wrapped ? std::move(*wrapped) : timer.programs_.at(&entry).duplicate();
  timer.nothing_.times = timer.entry_.times;
  auto base = wrapped ? wrap(empty) : timer.load(empty);
  if (!base) return std::move(base).error();
  timer.nothing_.fd = std::move(*base);
  return timer;
}

// The kernel's mean of as many runs as fit in the time.
Result<double> ProgramTimer::ns_a_run(const Fd& program, std::span<const std::byte> frame, double seconds) {
  const auto probe = kernel::run(program, {.data = frame, .repeat = 16});
  if (!probe) return probe.error();
  const double repeats = seconds * 1e9 / std::max(1.0, static_cast<double>(probe->duration_ns));
  const auto repeat = static_cast<std::uint32_t>(std::clamp(repeats, 16.0, static_cast<double>(kMostRepeats)));
  const auto result = kernel::run(program, {.data = frame, .repeat = repeat});
  if (!result) return result.error();
  return static_cast<double>(result->duration_ns);
}

Result<FrameTime> ProgramTimer::measure(std::span<const std::vector<std::byte>> frames, double seconds) const {
  const double each = seconds / 2 / static_cast<double>(std::max<std::size_t>(frames.size(), 1));
  FrameTime sum;
  for (const std::vector<std::byte>& frame : frames) {
    const auto work = ns_a_run(entry_.fd, frame, each);
    if (!work) return work.error();
    const auto idle = ns_a_run(nothing_.fd, frame, each);
    if (!idle) return idle.error();
    // Called, the loop around is 1/64 of itself and stays in; by itself it is what a program that does nothing takes.
    const bool called = entry_.times > 1;
    sum.ns += called ? *work / kTimes : std::max(*work - *idle, 0.0);
    sum.call_ns += called ? *idle / kTimes : 0;
  }
  const auto count = static_cast<double>(std::max<std::size_t>(frames.size(), 1));
  return FrameTime{.ns = sum.ns / count, .call_ns = sum.call_ns / count};
}

}  // namespace sluice::kernel
