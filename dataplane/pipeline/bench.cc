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

ProgramTimer::ProgramTimer(const Runner& runner)
    : runner_(&runner), timers_(std::make_unique<vm::LocalTimers>(runner.program().program().maps)) {
  env_.timers = timers_->get();
}

Result<ProgramTimer> ProgramTimer::make(const Runner& runner, std::span<const std::vector<std::byte>> frames,
                                        std::uint32_t ingress_ifindex, std::uint16_t stage) {
  ProgramTimer timer(runner);
  const bool frags = runner.program().program().frags;
  std::string_view why = "absent";
  for (std::size_t i = 0; timer.bytes_.size() < kFrames && !(i >= frames.size() && timer.bytes_.empty()); ++i) {
    FrameBuffer buffer(FrameModel::kLinux);
    vm::XdpContext context;
    const std::vector<std::byte>& bytes = frames[i % frames.size()];
    if (!buffer.load(bytes, frags, context, &why)) {
      continue;
    }
    context.ingress_ifindex = ingress_ifindex;
    context.path[0] = stage;
    timer.buffers_.push_back(std::move(buffer));  // its memory stays where it is
    timer.bytes_.push_back(bytes);
    timer.fresh_.push_back(context);
  }
  if (timer.bytes_.empty()) return Error{ErrorCode::kUsage, "no frame can be run: the last one is " + std::string(why)};
  timer.contexts_ = timer.fresh_;
  timer.verdicts_.resize(kFrames);
  return timer;
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

void ProgramTimer::run(std::uint64_t* insns) {
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
