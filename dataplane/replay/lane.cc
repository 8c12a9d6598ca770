#include "dataplane/replay/lane.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "base/check.h"

namespace sluice::replay {
namespace {

using pipeline::DropReason;
using pipeline::FrameBuffer;

constexpr std::size_t kLinearRoom = pipeline::kHeadroom + pipeline::kNativeLinear + 1024;  // bytes, either model
constexpr std::size_t kFragRoom = 1U << 18;                                                // bytes, model `linux`
constexpr unsigned kTimersAtOnce = 1U << 20;  // between two bursts: a callback may arm its timer for at once, for ever
constexpr std::size_t kPathText = 4096;       // bytes of a comment

std::span<const std::byte> linear(const vm::XdpContext& frame) noexcept { return {frame.data, frame.data_end}; }
std::span<const std::byte> frag(const vm::XdpContext& frame) noexcept { return {frame.frag, frame.frag_len}; }

}  // namespace

FrameCopy::FrameCopy(pipeline::FrameModel model)
    : linear_(kLinearRoom), frag_(model == pipeline::FrameModel::kLinux ? kFragRoom : 0) {}

vm::XdpContext& FrameCopy::copy(const vm::XdpContext& from) noexcept {
  const auto room = static_cast<std::size_t>(from.frame_end - from.hard_start);
  SLUICE_CHECK(room <= linear_.size() && from.frag_room <= frag_.size());
  std::byte* base = linear_.data();
  const auto moved = [&](const std::byte* at) { return base + (at - from.hard_start); };
  context_ = from;
  context_.hard_start = base;
  context_.data_meta = moved(from.data_meta);
  context_.data = moved(from.data);
  context_.data_end = moved(from.data_end);
  context_.frame_end = moved(from.frame_end);
  std::memcpy(context_.data_meta, from.data_meta, static_cast<std::size_t>(from.data_end - from.data_meta));
  if (from.frag != nullptr) {
    context_.frag = frag_.data();
    std::memcpy(context_.frag, from.frag, from.frag_len);
  }
  return context_;
}

LaneRunner::LaneRunner(const pipeline::Pipeline& pipeline, const Setup& setup)
    : pipeline_(pipeline),
      setup_(setup),
      stats_(pipeline.ports().size(), pipeline.stages()),
      cookies_(vm::seeded_cookies(setup.seed)),
      env_(),
      executor_(pipeline, stats_, env_, *this, setup.comments),
      contexts_(),
      origins_(),
      copy_(setup.model) {
  executor_.stand_for_all_cpus();  // the pipelines of a replay are one thread's
  env_.clock.is_virtual = true;
  env_.prng.state = setup.seed;
  env_.cookies = &cookies_;
  buffers_.reserve(pipeline::kBurst);
  for (unsigned i = 0; i < pipeline::kBurst; ++i) buffers_.emplace_back(setup.model);
  if (setup.comments) comment_.reserve(kPathText);
}

void LaneRunner::take(std::uint16_t port, const Record& record) noexcept {
  SLUICE_DCHECK(waiting_ < pipeline::kBurst);
  const std::int32_t chain = pipeline_.ports()[port].ingress;
  const bool frags = chain != pipeline::kNone && pipeline_.takes_frags(static_cast<std::size_t>(chain));
  if (!buffers_[waiting_].load(record.bytes, frags, contexts_[waiting_])) {
    const bool small = record.bytes.size() < pipeline::kShortestLinuxFrame;
    executor_.refuse(port, record.bytes.size(), small ? DropReason::kTooShort : DropReason::kTooLong);
    return;
  }
  const auto captured = static_cast<std::uint32_t>(record.bytes.size());
  origins_[waiting_] = {.time_ns = record.time_ns,
                        .number = record.number,
                        .missing = std::max(record.original_length, captured) - captured};
  waiting_ += 1;
}

void LaneRunner::run(std::uint16_t port, std::uint64_t clock_ns) noexcept {
  // Timers that are due come first, each at its own time.
  executor_.run_timers(clock_ns, kTimersAtOnce);
  env_.clock.virtual_ns = clock_ns;
  executor_.run(port, std::span(contexts_).first(waiting_));
  waiting_ = 0;
}

std::string_view LaneRunner::comment(const pipeline::Passage& passage) noexcept {
  comment_.clear();
  for (const std::uint16_t stage : passage.path) {
    const std::string& name = pipeline_.stage(stage).name;
    if (comment_.size() + name.size() + 4 > kPathText) break;
    if (!comment_.empty()) comment_ += " > ";
    comment_ += name;
  }
  return comment_;
}

void LaneRunner::send(const pipeline::Passage& passage, vm::XdpContext& frame, std::uint16_t port) noexcept {
  const Origin& origin = origins_[passage.index];
  if (setup_.writers != nullptr) {
    (*setup_.writers)[port]->write({.time_ns = origin.time_ns,
                                    .head = linear(frame),
                                    .frag = frag(frame),
                                    .missing = origin.missing,
                                    .verdict = passage.verdict,
                                    .comment = setup_.comments ? comment(passage) : std::string_view()});
  }
  if (!setup_.compare) return;
  log_.events.push_back({.number = origin.number,
                         .verdict = passage.verdict,
                         .place = port,
                         .sent = true,
                         .bytes_at = log_.bytes.size(),
                         .bytes_size = FrameBuffer::size(frame)});
  const auto head = linear(frame);
  const auto rest = frag(frame);
  log_.bytes.insert(log_.bytes.end(), head.begin(), head.end());
  log_.bytes.insert(log_.bytes.end(), rest.begin(), rest.end());
}

void LaneRunner::drop(const pipeline::Passage& passage, vm::XdpContext& /*frame*/, DropReason reason) noexcept {
  if (!setup_.compare) return;
  log_.events.push_back({.number = origins_[passage.index].number,
                         .verdict = passage.verdict,
                         .place = static_cast<std::uint32_t>(reason)});
}

namespace {

std::string described(LaneRunner& lane, const Event& event) {
  if (event.sent) {
    return fmt::format("sent {} bytes to {} ({})", event.bytes_size, lane.pipeline().ports()[event.place].name,
                       pipeline::verdict_name(event.verdict));
  }
  return fmt::format("dropped it ({})", pipeline::name(static_cast<DropReason>(event.place)));
}

std::string described(LaneRunner& lane, std::size_t index) {
  const auto& events = lane.log().events;
  return index < events.size() ? described(lane, events[index]) : "did nothing more";
}

bool same(LaneRunner& a, LaneRunner& b, std::size_t index, std::size_t& byte) {
  const Event& x = a.log().events[index];
  const Event& y = b.log().events[index];
  byte = SIZE_MAX;
  if (x.number != y.number || x.verdict != y.verdict || x.place != y.place || x.sent != y.sent ||
      x.bytes_size != y.bytes_size) {
    return false;
  }
  const std::span<const std::byte> left(a.log().bytes.data() + x.bytes_at, x.bytes_size);
  const std::span<const std::byte> right(b.log().bytes.data() + y.bytes_at, y.bytes_size);
  const auto differ = std::ranges::mismatch(left, right);
  if (differ.in1 == left.end()) return true;
  byte = static_cast<std::size_t>(differ.in1 - left.begin());
  return false;
}

}  // namespace

std::optional<std::string> first_difference(LaneRunner& a, std::string_view a_name, LaneRunner& b,
                                            std::string_view b_name) {
  const std::size_t common = std::min(a.log().events.size(), b.log().events.size());
  for (std::size_t i = 0; i < common; ++i) {
    std::size_t byte = 0;
    if (same(a, b, i, byte)) continue;
    const Event& event = a.log().events[i];
    std::string head =
        fmt::format("frame {}: {} {}, {} {}", event.number, a_name, described(a, i), b_name, described(b, i));
    if (byte == SIZE_MAX) return head;
    return fmt::format("{}; byte {} is {:02x} and {:02x}", head, byte,
                       static_cast<unsigned>(a.log().bytes[event.bytes_at + byte]),
                       static_cast<unsigned>(b.log().bytes[b.log().events[i].bytes_at + byte]));
  }
  if (a.log().events.size() == b.log().events.size()) return std::nullopt;
  const auto& longer = a.log().events.size() > common ? a.log().events : b.log().events;
  return fmt::format("frame {}: {} {}, {} {}", longer[common].number, a_name, described(a, common), b_name,
                     described(b, common));
}

}  // namespace sluice::replay
