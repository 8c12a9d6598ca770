#include "tests/kernel/map_players.h"

#include <linux/if_xdp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include <fmt/format.h>

#include "dataplane/kernel/peer.h"
#include "dataplane/pipeline/frame.h"
#include "helpers/table.h"
#include "tests/support/kernel_perf.h"
#include "tests/support/kernel_ring.h"
#include "tests/support/programs.h"
#include "verifier/verifier.h"
#include "vm/maps/perf_event_array.h"
#include "vm/maps/ringbuf.h"

namespace sluice::kernel {
namespace {

std::uint32_t number_in(const Bytes& value) {
  std::uint32_t number = 0;
  std::memcpy(&number, value.data(), sizeof number);
  return number;
}

std::string raw(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A record as the kernel's reader gets it: 4 bytes less than a multiple of 8.
MapPlayer::Record padded(std::span<const std::byte> bytes) {
  MapPlayer::Record record{.bytes = raw(bytes)};
  const std::size_t all = (bytes.size() + 4 + 7) / 8 * 8 - 4;
  record.padding = all - bytes.size();
  record.bytes.resize(all);
  return record;
}

class KernelPlayer : public MapPlayer {
 public:
  Result<void> make(const PlayerSetup& setup) {
    setup_ = setup;
    auto map = create_map(setup.spec);
    if (!map) return std::move(map).error();
    maps_.push_back(std::move(*map));
    for (const std::string& text : setup.programs) {
      RawProgram program = load_instructions(testing_support::program_from_asm(text, vm::xdp_type()), maps_);
      if (!program.verdict.accepted) {
        return Error{ErrorCode::kProgram,
                     fmt::format("the kernel refuses: {}\n{}", std::strerror(program.verdict.error),
                                 program.verdict.log.substr(program.verdict.log.size() -
                                                            std::min<std::size_t>(2000, program.verdict.log.size())))};
      }
      programs_.push_back(std::move(program.fd));
    }
    for (std::uint32_t i = 0; i < kNumbered; ++i) {
      if (auto done = make_numbered(); !done) return done;
    }
    if (setup.spec.type == vm::MapType::kRingbuf) ring_.emplace(map_fd(), setup.spec.max_entries);
    if (ring_ && !ring_->works()) return Error{ErrorCode::kEnvironment, "no ring to be read"};
    return setup.perf_ring == 0 ? Result<void>{} : open_perf(setup.perf_ring);
  }

  int update(const Bytes& key, const Bytes& value, std::uint64_t mode) override {
    if (setup_.values == Values::kBytes) return element(BPF_MAP_UPDATE_ELEM, key, value.data(), mode);
    const int fd = descriptor(number_in(value));
    return element(BPF_MAP_UPDATE_ELEM, key, &fd, mode);
  }
  int erase(const Bytes& key) override { return element(BPF_MAP_DELETE_ELEM, key, nullptr, 0); }
  int read(const Bytes& key, Bytes& out) override {
    Bytes value(out.size());
    const int error = element(BPF_MAP_LOOKUP_ELEM, key, value.data(), 0);
    if (error == 0 && setup_.values == Values::kBytes) out = value;
    return error;
  }
  int take(Bytes& out) override { return element(BPF_MAP_LOOKUP_AND_DELETE_ELEM, {}, out.data(), 0); }
  int next_key(const Bytes& key, Bytes& next) override { return element(BPF_MAP_GET_NEXT_KEY, key, next.data(), 0); }

  std::int64_t run(Bytes& frame) override {
    bpf_attr attributes{};
    attributes.test.prog_fd = static_cast<std::uint32_t>(programs_.front().get());
    attributes.test.data_in = attributes.test.data_out = testing_support::address_of(frame.data());
    attributes.test.data_size_in = attributes.test.data_size_out = static_cast<std::uint32_t>(frame.size());
    attributes.test.repeat = 1;
    const int error = testing_support::bpf(BPF_PROG_TEST_RUN, attributes);
    return error != 0 ? error : static_cast<std::int64_t>(attributes.test.retval);
  }

  std::vector<Record> drain(std::size_t most) override {
    std::vector<Record> records;
    Bytes record;
    while (ring_ && records.size() < most && ring_->consume(record)) records.push_back({.bytes = raw(record)});
    if (!perf_) return records;
    for (const testing_support::PerfRecord& each : perf_->drain()) {
      records.push_back({.bytes = raw(each.bytes), .lost = each.lost});
    }
    return records;
  }

 private:
  [[nodiscard]] int map_fd() const { return maps_.front().get(); }
  [[nodiscard]] int descriptor(std::uint32_t number) const {
    if (setup_.values == Values::kPrograms) return programs_.at(number - 1).get();
    return number == 0                      ? -1
           : setup_.values == Values::kMaps ? inside_.at(number - 1).get()
                                            : sockets_.at(number - 1).get();
  }
  Result<void> make_numbered() {
    if (setup_.values == Values::kMaps) {
      auto inner = create_map(*setup_.spec.inner);
      if (!inner) return std::move(inner).error();
      inside_.push_back(std::move(*inner));
    }
    if (setup_.values == Values::kSockets) {
      sockets_.emplace_back(socket(AF_XDP, SOCK_RAW, 0));
      const int entries = 64;
      if (sockets_.back().get() < 0 ||
          setsockopt(sockets_.back().get(), SOL_XDP, XDP_RX_RING, &entries, sizeof entries) != 0) {
        return Error{ErrorCode::kEnvironment, "AF_XDP sockets are not to be had here"};
      }
    }
    return {};
  }
  Result<void> open_perf(std::uint32_t bytes) {
    perf_.emplace(0, bytes);
    if (!perf_->works()) return Error{ErrorCode::kEnvironment, "perf_event_open(2) is not permitted here"};
    const Bytes key(4);
    const int fd = perf_->fd();
    const int error = element(BPF_MAP_UPDATE_ELEM, key, &fd, 0);
    return error == 0 ? Result<void>{} : Error{ErrorCode::kProgram, "the kernel's map takes no event"};
  }
  [[nodiscard]] int element(bpf_cmd command, const Bytes& key, const void* value, std::uint64_t flags) const {
    bpf_attr attributes{};
    attributes.map_fd = static_cast<std::uint32_t>(map_fd());
    attributes.key = key.empty() ? 0 : testing_support::address_of(key.data());
    attributes.value = testing_support::address_of(value);
    attributes.flags = flags;
    return testing_support::bpf(command, attributes);
  }

  PlayerSetup setup_;
  std::vector<Fd> maps_, programs_, inside_;
  std::vector<testing_support::Descriptor> sockets_;
  std::optional<testing_support::KernelRing> ring_;
  std::optional<testing_support::KernelPerfRing> perf_;
};

class SluicePlayer : public MapPlayer {
 public:
  SluicePlayer() : buffer_(pipeline::FrameModel::kLinux) {}

  Result<void> make(const PlayerSetup& setup, pipeline::Engine engine) {
    setup_ = setup;
    auto map = vm::make_map(setup.spec, possible_cpus());
    if (!map) return std::move(map).error();
    map_ = std::move(*map);
    for (std::uint32_t i = 0; i < kNumbered && setup.values == Values::kMaps; ++i) {
      auto inner = vm::make_map(*setup.spec.inner, possible_cpus());
      if (!inner) return std::move(inner).error();
      inside_.push_back(std::move(*inner));
    }
    for (const std::string& text : setup.programs) {
      auto outcome =
          verifier::verify(testing_support::program_from_asm(text, vm::xdp_type(), {map_}), helpers::table());
      if (!outcome.accepted()) return Error{ErrorCode::kProgram, "refused: " + outcome.rejection().message};
      auto runner = pipeline::Runner::make(std::move(outcome).take(), engine, helpers::table());
      if (!runner) return std::move(runner).error();
      runners_.push_back(std::move(*runner));
    }
    for (const pipeline::Runner& runner : runners_) slots_.push_back(runner.slot(0));
    if (setup.perf_ring != 0 && dynamic_cast<vm::PerfEventArray&>(*map_).open(0, setup.perf_ring) != 0) {
      return Error{ErrorCode::kEnvironment, "no perf ring here"};
    }
    return {};
  }

  int update(const Bytes& key, const Bytes& value, std::uint64_t mode) override {
    const auto as = static_cast<vm::UpdateMode>(mode);
    if (setup_.values == Values::kMaps && number_in(value) != 0) {
      return dynamic_cast<vm::MapOfMaps&>(*map_).set(key.data(), inside_.at(number_in(value) - 1), as);
    }
    auto* const programs = dynamic_cast<vm::ProgArray*>(map_.get());
    if (programs != nullptr && mode == 0) return programs->set(number_in(key), &slots_.at(number_in(value) - 1));
    return map_->write(key.data(), value.data(), as);
  }
  int erase(const Bytes& key) override { return map_->erase(key.data()); }
  int read(const Bytes& key, Bytes& out) override {
    Bytes value(out.size());
    const int error = map_->read(key.data(), value.data());
    if (error == 0 && setup_.values == Values::kBytes) out = value;
    return error;
  }
  int take(Bytes& out) override {
    Bytes value(out.size());
    const int error = dynamic_cast<vm::Queue&>(*map_).pop(value.data());
    if (error == 0) out = value;
    return error;
  }
  int next_key(const Bytes& key, Bytes& next) override {
    return map_->next_key(key.empty() ? nullptr : key.data(), next.data()) ? 0 : -ENOENT;
  }

  std::int64_t run(Bytes& frame) override {
    vm::XdpContext context;
    if (!buffer_.load(frame, false, context)) return -EINVAL;
    context.ingress_ifindex = 1;
    std::uint32_t verdict = 0;
    runners_.front().burst(&context, 1, &verdict, env_);
    pipeline::FrameBuffer::store(context, frame);
    return verdict;
  }

  std::vector<Record> drain(std::size_t most) override {
    std::vector<Record> records;
    if (auto* const ring = dynamic_cast<vm::Ringbuf*>(map_.get())) {
      const auto see = [](void* to, std::span<const std::byte> record) {
        static_cast<std::vector<Record>*>(to)->push_back({.bytes = raw(record)});
      };
      while (records.size() < most && ring->consume(see, &records)) continue;
    }
    auto* const events = dynamic_cast<vm::PerfEventArray*>(map_.get());
    if (events == nullptr || events->ring(0) == nullptr) return records;
    const auto see = [](void* to, const vm::PerfRing::Record& record) {
      static_cast<std::vector<Record>*>(to)->push_back(record.lost != 0 ? Record{.lost = record.lost}
                                                                        : padded(record.bytes));
    };
    while (events->ring(0)->consume(see, &records)) continue;
    return records;
  }

 private:
  PlayerSetup setup_;
  std::shared_ptr<vm::Map> map_;
  std::vector<std::shared_ptr<vm::Map>> inside_;
  std::vector<pipeline::Runner> runners_;
  std::vector<vm::ProgramSlot> slots_;
  pipeline::FrameBuffer buffer_;
  vm::ExecEnv env_;
};

}  // namespace

Result<std::unique_ptr<MapPlayer>> kernel_player(const PlayerSetup& setup) {
  auto player = std::make_unique<KernelPlayer>();
  if (auto done = player->make(setup); !done) return done.error();
  return std::unique_ptr<MapPlayer>(std::move(player));
}

Result<std::unique_ptr<MapPlayer>> sluice_player(const PlayerSetup& setup, pipeline::Engine engine) {
  auto player = std::make_unique<SluicePlayer>();
  if (auto done = player->make(setup, engine); !done) return done.error();
  return std::unique_ptr<MapPlayer>(std::move(player));
}

}  // namespace sluice::kernel
