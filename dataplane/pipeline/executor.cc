#include "dataplane/pipeline/executor.h"

#include <algorithm>

#include "base/check.h"
#include "dataplane/pipeline/frame.h"
#include "vm/maps/map.h"

namespace sluice::pipeline {
namespace {

constexpr std::uint64_t kExcludeIngress = 1U << 4;  // BPF_F_EXCLUDE_INGRESS, linux/bpf.h
constexpr auto kPassed = static_cast<std::uint32_t>(vm::Verdict::kPass);
constexpr auto kRedirected = static_cast<std::uint32_t>(vm::Verdict::kRedirect);
constexpr std::uint32_t kLinkHeader = 14 + 4;  // Ethernet header and one VLAN tag, as Linux checks a redirect

unsigned column_of(std::uint32_t raw) noexcept { return raw < vm::kVerdicts ? raw : kInvalidVerdict; }

// Makes a frame one that a CPUMAP's entry has sent.
void begin_handed(vm::XdpContext& frame) noexcept {
  frame.rx_queue_index = 0;  // as Linux tells cpumap programs
  frame.redirect = {};
}

}  // namespace

// Walks a devmap keeping one target back: clones go to all but the last, which gets the original.
struct Executor::Broadcast {
  Executor& executor;
  const Passage& passage;
  vm::XdpContext& frame;
  std::uint32_t exclude_ifindex;  // 0 = none
  Target last{};
};

Executor::Executor(const Pipeline& pipeline, Stats& stats, vm::ExecEnv& env, FrameSink& sink, bool record_paths)
    : pipeline_(pipeline), stats_(stats), env_(env), sink_(sink), record_paths_(record_paths) {
  env_.fib = pipeline.fib();
  env_.sockets = pipeline.sockets();
  if (vm::TimerRegistry* const registry = pipeline.timers(); registry != nullptr) {
    timers_.emplace(*registry, env.worker, vm::Timers::room_for(*registry));
    env_.timers = &*timers_;
  }
  SLUICE_CHECK(stats.ports.size() == pipeline.ports().size());
  SLUICE_CHECK(stats.ingress.size() == pipeline.stages() && stats.egress.size() == pipeline.stages());
}

void Executor::refuse(std::uint16_t port, std::uint64_t bytes, DropReason reason) noexcept {
  stats_.ports[port].rx_frames += 1;
  stats_.ports[port].rx_bytes += bytes;
  stats_.count_drop(reason);
}

void Executor::run(std::uint16_t port, std::span<vm::XdpContext> frames) noexcept {
  SLUICE_DCHECK(frames.size() <= kBurst);
  PortCounters& counters = stats_.ports[port];
  counters.rx_frames += frames.size();
  for (const vm::XdpContext& frame : frames) counters.rx_bytes += FrameBuffer::size(frame);

  const Port& ingress = pipeline_.ports()[port];
  if (ingress.ingress == kNone) {
    for (unsigned i = 0; i < frames.size(); ++i) {
      drop({.index = i, .verdict = kInvalidVerdict, .path = {}}, frames[i], DropReason::kNoPipeline);
    }
    return;
  }
  const Chain& chain = pipeline_.chains()[static_cast<std::size_t>(ingress.ingress)];
  for (vm::XdpContext& frame : frames) frame.ingress_ifindex = ingress.ifindex;
  // Frame by frame: programs that share maps see frames in the order they see them in Linux.
  if (!chain.links.empty()) {
    for (unsigned i = 0; i < frames.size(); ++i) {
      Passage passage{.index = i, .verdict = kInvalidVerdict, .path = {}};
      const std::uint32_t raw = run_chain(chain, stats_.ingress, passage, frames[i]);
      passage.verdict = column_of(raw);
      judge(port, chain, passage, frames[i], raw);
    }
    return;
  }
  for (vm::XdpContext& frame : frames) {
    frame.depth = 0;
    frame.path[0] = chain.entry;
  }
  pipeline_.stage(chain.entry)
      .runner.burst(frames.data(), static_cast<unsigned>(frames.size()), verdicts_.data(), env_);
  for (unsigned i = 0; i < frames.size(); ++i) {
    Passage passage{.index = i, .verdict = column_of(verdicts_[i]), .path = {}};
    count_run(stats_.ingress, passage, frames[i]);
    count_verdict(stats_.ingress, frames[i], verdicts_[i]);
    judge(port, chain, passage, frames[i], verdicts_[i]);
  }
}

void Executor::count_run(std::vector<StageCounters>& counters, Passage& passage, const vm::XdpContext& frame) noexcept {
  const std::uint32_t depth = frame.depth;
  SLUICE_DCHECK(depth <= vm::kMaxTailCalls);
  for (std::uint32_t i = 0; i <= depth; ++i) counters[frame.path[i]].runs += 1;
  if (!record_paths_) return;
  const std::size_t before = passage.path.size();
  std::copy_n(frame.path.begin(), depth + 1, path_.begin() + static_cast<std::ptrdiff_t>(before));
  passage.path = std::span(path_.data(), before + depth + 1);
}

void Executor::count_verdict(std::vector<StageCounters>& counters, const vm::XdpContext& frame,
                             std::uint32_t raw) noexcept {
  counters[frame.path[frame.depth]].verdicts[column_of(raw)] += 1;
}

void Executor::judge(std::uint16_t port, const Chain& chain, Passage& passage, vm::XdpContext& frame,
                     std::uint32_t raw) noexcept {
  if (raw >= vm::kVerdicts) return drop(passage, frame, DropReason::kInvalidVerdict);
  switch (static_cast<vm::Verdict>(raw)) {
    case vm::Verdict::kAborted: return drop(passage, frame, DropReason::kAborted);
    case vm::Verdict::kDrop: return drop(passage, frame, DropReason::kProgram);
    case vm::Verdict::kPass: return pass(port, chain, passage, frame);
    case vm::Verdict::kTx: return leave(passage, frame, port);
    case vm::Verdict::kRedirect: return redirect(port, chain, passage, frame);
  }
}

void Executor::pass(std::uint16_t port, const Chain& chain, Passage& passage, vm::XdpContext& frame) noexcept {
  if (chain.on_pass == kNone) return drop(passage, frame, DropReason::kPassDrop);
  if (chain.on_pass == port) return drop(passage, frame, DropReason::kPassNoPort);
  leave(passage, frame, static_cast<std::uint16_t>(chain.on_pass));
}

bool Executor::fits(const vm::XdpContext& frame, std::int32_t port) const noexcept {
  return FrameBuffer::size(frame) <= pipeline_.ports()[static_cast<std::size_t>(port)].mtu + kLinkHeader;
}

void Executor::to_cpu(std::uint16_t port, const Chain& chain, Passage& passage, vm::XdpContext& frame) noexcept {
  const vm::ProgramSlot* const program = frame.redirect.program;
  const Handed handed{.port = port, .stage = program == nullptr ? kNone : std::int32_t{program->stage}};
  switch (sink_.hand_over(handed, frame)) {
    case HandOver::kHere: return run_here(handed, chain, passage, frame);
    case HandOver::kTaken: return;
    case HandOver::kFull: return drop(passage, frame, DropReason::kCpumapFull);
    case HandOver::kNoWorker: return drop(passage, frame, DropReason::kCpumapNoWorker);
  }
}

// As the kernel does on the other CPU: without a program the frame passes; a program's XDP_TX does not exist there.
void Executor::run_here(const Handed& handed, const Chain& chain, Passage& passage, vm::XdpContext& frame) noexcept {
  if (handed.stage == kNone) return pass(handed.port, chain, passage, frame);
  const std::uint32_t cpu = frame.redirect.ifindex;
  const std::uint32_t here = env_.cpu;
  begin_handed(frame);
  if (stands_for_all_cpus_) env_.cpu = cpu;
  const std::uint32_t raw = run_one(static_cast<std::size_t>(handed.stage), stats_.egress, passage, frame);
  env_.cpu = here;
  judge_handed(handed.port, chain, passage, frame, raw);
}

void Executor::run_handed(const Handed& handed, std::span<vm::XdpContext> frames) noexcept {
  SLUICE_DCHECK(frames.size() <= kBurst);
  const Port& ingress = pipeline_.ports()[handed.port];
  SLUICE_DCHECK(ingress.ingress != kNone);
  const Chain& chain = pipeline_.chains()[static_cast<std::size_t>(ingress.ingress)];
  const auto stage = static_cast<std::size_t>(handed.stage);
  for (vm::XdpContext& frame : frames) {
    frame.ingress_ifindex = ingress.ifindex;
    frame.depth = 0;
    frame.path[0] = static_cast<std::uint16_t>(stage);
    begin_handed(frame);
  }
  if (handed.stage != kNone) {
    pipeline_.stage(stage).runner.burst(frames.data(), static_cast<unsigned>(frames.size()), verdicts_.data(), env_);
  }
  for (unsigned i = 0; i < frames.size(); ++i) {
    Passage passage{.index = i, .verdict = kRedirected, .path = {}};
    if (handed.stage == kNone) {
      pass(handed.port, chain, passage, frames[i]);
      continue;
    }
    count_run(stats_.egress, passage, frames[i]);
    judge_handed(handed.port, chain, passage, frames[i], verdicts_[i]);
  }
}

void Executor::judge_handed(std::uint16_t port, const Chain& chain, Passage& passage, vm::XdpContext& frame,
                            std::uint32_t raw) noexcept {
  count_verdict(stats_.egress, frame, raw);  // of ingress every frame has one
  if (raw == kPassed) return pass(port, chain, passage, frame);
  // A CPUMAP is no target there: a frame does not go from CPU to CPU for ever.
  if (raw != kRedirected || frame.redirect.kind == vm::Redirect::Kind::kCpu) {
    return drop(passage, frame, DropReason::kCpumapDrop);
  }
  redirect(port, chain, passage, frame);
}

void Executor::redirect(std::uint16_t port, const Chain& chain, Passage& passage, vm::XdpContext& frame) noexcept {
  switch (frame.redirect.kind) {
    case vm::Redirect::Kind::kNone: return drop(passage, frame, DropReason::kRedirectNoPort);
    case vm::Redirect::Kind::kBroadcast: return broadcast(passage, frame);
    case vm::Redirect::Kind::kCpu: return to_cpu(port, chain, passage, frame);
    case vm::Redirect::Kind::kIfindex:
    case vm::Redirect::Kind::kEntry:
    case vm::Redirect::Kind::kSocket: break;
  }
  const Target target{.port = pipeline_.port_of(frame.redirect.ifindex),
                      .program = frame.redirect.kind == vm::Redirect::Kind::kEntry ? frame.redirect.program : nullptr};
  if (target.port == kNone) return drop(passage, frame, DropReason::kRedirectNoPort);
  if (!fits(frame, target.port)) return drop(passage, frame, DropReason::kRedirectTooLong);
  deliver(passage, frame, target);
}

void Executor::visit(void* state, std::uint32_t /*key*/, const vm::DevmapEntry& entry) noexcept {
  auto& cast = *static_cast<Broadcast*>(state);
  if (entry.ifindex == cast.exclude_ifindex) return;
  Executor& executor = cast.executor;
  const std::int32_t port = executor.pipeline_.port_of(entry.ifindex);
  // Linux steps over what cannot take the frame.
  if (port == kNone || !executor.fits(cast.frame, port)) return;
  if (cast.last.port != kNone) {
    executor.stats_.clones += 1;
    vm::XdpContext* const copy = executor.sink_.clone(cast.frame);
    if (copy != nullptr) {
      executor.deliver(cast.passage, *copy, cast.last);
    } else {
      executor.stats_.count_drop(DropReason::kNoBuffer);
    }
  }
  cast.last = {.port = port, .program = entry.program};
}

void Executor::broadcast(Passage& passage, vm::XdpContext& frame) noexcept {
  const vm::MapType type = frame.redirect.map->spec().type;
  if (type != vm::MapType::kDevmap && type != vm::MapType::kDevmapHash) {
    return drop(passage, frame, DropReason::kRedirectNoPort);
  }
  const auto& map = static_cast<const vm::Devmap&>(*frame.redirect.map);
  const bool exclude = (frame.redirect.flags & kExcludeIngress) != 0;
  Broadcast cast{
      .executor = *this, .passage = passage, .frame = frame, .exclude_ifindex = exclude ? frame.ingress_ifindex : 0};
  map.for_each(&Executor::visit, &cast);
  if (cast.last.port == kNone) return drop(passage, frame, DropReason::kRedirectNoPort);
  deliver(passage, frame, cast.last);
}

std::uint32_t Executor::run_one(std::size_t stage, std::vector<StageCounters>& counters, Passage& passage,
                                vm::XdpContext& frame) noexcept {
  frame.depth = 0;
  frame.path[0] = static_cast<std::uint16_t>(stage);
  std::uint32_t raw = 0;
  pipeline_.stage(stage).runner.burst(&frame, 1, &raw, env_);
  count_run(counters, passage, frame);
  return raw;
}

std::uint32_t Executor::run_chain(const Chain& chain, std::vector<StageCounters>& counters, Passage& passage,
                                  vm::XdpContext& frame) noexcept {
  std::uint32_t raw = 0;
  if (chain.links.empty()) raw = run_one(chain.entry, counters, passage, frame);
  for (const Link& link : chain.links) {
    raw = run_one(link.stage, counters, passage, frame);
    if (!link.goes_on(raw)) break;
    raw = kPassed;  // unless a later link says otherwise
  }
  count_verdict(counters, frame, raw);
  return raw;
}

void Executor::begin_egress(vm::XdpContext& frame, std::uint16_t port) const noexcept {
  frame.egress_ifindex = pipeline_.ports()[port].ifindex;
  frame.rx_queue_index = 0;  // as Linux tells devmap programs
  frame.redirect = {};
}

// By value: what is appended to the path of one copy is not part of the next copy's.
void Executor::deliver(Passage passage, vm::XdpContext& frame, const Target& target) noexcept {
  const auto port = static_cast<std::uint16_t>(target.port);
  if (target.program != nullptr) {
    begin_egress(frame, port);
    const std::uint32_t raw = run_one(target.program->stage, stats_.egress, passage, frame);
    count_verdict(stats_.egress, frame, raw);
    if (raw != kPassed) return drop(passage, frame, DropReason::kDevmapDrop);
  }
  leave(passage, frame, port);
}

void Executor::leave(Passage passage, vm::XdpContext& frame, std::uint16_t port) noexcept {
  const std::int32_t egress = pipeline_.ports()[port].egress;
  if (egress != kNone) {
    begin_egress(frame, port);
    const Chain& chain = pipeline_.chains()[static_cast<std::size_t>(egress)];
    const std::uint32_t raw = run_chain(chain, stats_.egress, passage, frame);
    if (raw != kPassed) return drop(passage, frame, DropReason::kEgressDrop);
  }
  PortCounters& counters = stats_.ports[port];
  counters.tx_frames += 1;
  counters.tx_bytes += FrameBuffer::size(frame);
  sink_.send(passage, frame, port);
}

void Executor::drop(const Passage& passage, vm::XdpContext& frame, DropReason reason) noexcept {
  stats_.count_drop(reason);
  sink_.drop(passage, frame, reason);
}

}  // namespace sluice::pipeline
