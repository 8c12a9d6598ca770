#include "dataplane/pipeline/bench.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string>

namespace sluice::pipeline {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kBurstFrames = 32;

double ns_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double, std::nano>(to - from).count();
}

// ns that two readings of the clock cost by themselves.
double clock_cost() {
  std::vector<double> costs;
  for (int i = 0; i < 64; ++i) {
    const auto from = Clock::now();
    costs.push_back(ns_between(from, Clock::now()));
  }
  return median(std::move(costs));
}

}  // namespace

ProgramTimer::ProgramTimer(const Runner& runner) : runner_(&runner) {}

Result<ProgramTimer> ProgramTimer::make(const Runner& runner, std::span<const std::vector<std::byte>> frames,
                                        std::uint32_t ingress_ifindex, std::uint16_t stage) {
  ProgramTimer timer(runner);
  timer.timers_ = std::make_unique<vm::LocalTimers>(runner.program().program().maps);
  timer.env_.timers = timer.timers_->get();
  const bool frags = runner.program().program().frags;
  if (auto done = timer.load(frames, frags, ingress_ifindex, stage); !done) return done.error();
  return timer;
}

Result<ProgramTimer> ProgramTimer::make(const Pipeline& pipeline, std::size_t chain,
                                        std::span<const std::vector<std::byte>> frames, std::uint32_t ingress_ifindex) {
  const Chain& entered = pipeline.chains()[chain];
  ProgramTimer timer(pipeline.stage(entered.entry).runner);
  timer.pipeline_ = &pipeline;
  timer.links_ = entered.links;
  timer.env_.fib = pipeline.fib();
  timer.env_.sockets = pipeline.sockets();
  if (vm::TimerRegistry* const registry = pipeline.timers(); registry != nullptr) {
    timer.pipeline_timers_ = std::make_unique<vm::Timers>(*registry, 0, vm::Timers::room_for(*registry));
    timer.env_.timers = timer.pipeline_timers_.get();
  }
  if (auto done = timer.load(frames, pipeline.takes_frags(chain), ingress_ifindex, entered.entry); !done) {
    return done.error();
  }
  return timer;
}

Result<void> ProgramTimer::load(std::span<const std::vector<std::byte>> frames, bool frags,
                                std::uint32_t ingress_ifindex, std::uint16_t stage) {
  std::string_view why = "absent";
  for (std::size_t i = 0; bytes_.size() < kFrames && !(i >= frames.size() && bytes_.empty()); ++i) {
    FrameBuffer buffer(FrameModel::kLinux);
    vm::XdpContext context;
    const std::vector<std::byte>& bytes = frames[i % frames.size()];
    if (!buffer.load(bytes, frags, context, &why)) {
      continue;
    }
    context.ingress_ifindex = ingress_ifindex;
    context.path[0] = stage;
    buffers_.push_back(std::move(buffer));  // its memory stays where it is
    bytes_.push_back(bytes);
    fresh_.push_back(context);
  }
  if (bytes_.empty()) return Error{ErrorCode::kUsage, "no frame can be run: the last one is " + std::string(why)};
  contexts_ = fresh_;
  verdicts_.resize(kFrames);
  return {};
}

void ProgramTimer::restore() {
  for (std::size_t i = 0; i < fresh_.size(); ++i) {
    const vm::XdpContext& fresh = fresh_[i];
    contexts_[i] = fresh;
    const auto linear = static_cast<std::size_t>(fresh.data_end - fresh.data);
    std::copy_n(bytes_[i].data(), linear, fresh.data);
    if (fresh.frag != nullptr) std::copy_n(bytes_[i].data() + linear, bytes_[i].size() - linear, fresh.frag);
  }
}

// Frame by frame, as pipeline::Executor has it.
void ProgramTimer::run_links(std::uint64_t* insns) {
  for (vm::XdpContext& context : contexts_) {
    for (const Link& link : links_) {
      context.depth = 0;
      context.path[0] = link.stage;
      std::uint32_t raw = 0;
      std::uint64_t executed = 0;
      pipeline_->stage(link.stage).runner.burst(&context, 1, &raw, env_, insns == nullptr ? nullptr : &executed);
      if (insns != nullptr) *insns += executed;
      if (!link.goes_on(raw)) break;
    }
  }
}

void ProgramTimer::run(std::uint64_t* insns) {
  if (!links_.empty()) return run_links(insns);
  for (std::size_t at = 0; at < contexts_.size(); at += kBurstFrames) {
    const auto count = static_cast<unsigned>(std::min(kBurstFrames, contexts_.size() - at));
    std::uint64_t executed = 0;
    runner_->burst(contexts_.data() + at, count, verdicts_.data() + at, env_, insns == nullptr ? nullptr : &executed);
    if (insns != nullptr) *insns += executed;
  }
}

double ProgramTimer::measure(double seconds) {
  const double cost = clock_cost();
  double sum = 0;
  std::uint64_t frames = 0;
  const auto start = Clock::now();
  do {
    restore();
    const auto from = Clock::now();
    run(nullptr);
    sum += std::max(ns_between(from, Clock::now()) - cost, 0.0);
    frames += contexts_.size();
  } while (ns_between(start, Clock::now()) < seconds * 1e9);
  return sum / static_cast<double>(frames);
}

double ProgramTimer::insns() {
  restore();
  std::uint64_t executed = 0;
  run(&executed);
  return static_cast<double>(executed) / static_cast<double>(contexts_.size());
}

bool ProgramTimer::changes_frames() {
  restore();
  run(nullptr);
  std::vector<std::byte> now;
  for (std::size_t i = 0; i < contexts_.size(); ++i) {
    FrameBuffer::store(contexts_[i], now);
    if (contexts_[i].data != fresh_[i].data || now != bytes_[i]) return true;
  }
  return false;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::vector<std::byte> small_udp_frame() {
  constexpr std::array<unsigned char, 42> kHeaders = {0x02, 0, 0,  0,  0, 1, 0x02, 0, 0,  0,  0, 2,  8,  0,
                                                      0x45, 0, 0,  50, 0, 0, 0,    0, 64, 17, 0, 0,  10, 0,
                                                      0,    1, 10, 0,  0, 2, 0,    5, 0,  9,  0, 30, 0,  0};
  std::vector<std::byte> bytes(64);
  std::ranges::transform(kHeaders, bytes.begin(), [](unsigned char b) { return std::byte{b}; });
  return bytes;
}

}  // namespace sluice::pipeline
