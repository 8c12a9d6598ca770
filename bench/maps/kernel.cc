// The running kernel's maps: from the same program, timed by BPF_PROG_TEST_RUN.
#include <cerrno>
#include <cstring>
#include <fstream>

#include <bpf/bpf.h>

#include "bench/maps/peer.h"
#include "dataplane/kernel/peer.h"

namespace sluice::bench {
namespace {

// What the kernel says the map takes.
double kernel_bytes(int fd) {
  std::ifstream file("/proc/self/fdinfo/" + std::to_string(fd));
  std::string word;
  double bytes = 0;
  while (file >> word) {
    if (word == "memlock:") file >> bytes;
  }
  return bytes;
}

class Kernel final : public Peer {
 public:
  explicit Kernel(std::string object) : object_(std::move(object)) {}
  [[nodiscard]] std::string name() const override { return "kernel"; }

  Result<Built> build(const Workload& workload) override {
    if (const std::string why = kernel::unavailable(); !why.empty()) return Error{ErrorCode::kEnvironment, why};
    auto programs = load_programs(object_, workload.table, static_cast<std::uint32_t>(workload.entries.size()));
    if (!programs) return std::move(programs).error();
    const Program& any = programs->front();
    const double start = now();
    auto table = kernel::create_map(any.table->spec());
    if (!table) return std::move(table).error();
    if (auto done = fill(workload, table->get(), any.table->spec()); !done) return std::move(done).error();
    const Built built{.seconds = now() - start, .bytes = kernel_bytes(table->get())};
    auto keys = kernel::create_map(any.keys->spec());
    if (!keys) return std::move(keys).error();
    list_ = std::make_unique<KeyList>();
    std::memcpy(list_->bytes, workload.keys.data(), workload.keys.size());
    keys_ = std::move(*keys);
    table_ = std::move(*table);
    for (const Program& p : *programs) {
      std::vector<kernel::Fd> maps;
      for (const auto& map : p.program.maps) {
        maps.push_back(map == any.table ? table_.duplicate() : map == any.keys ? keys_.duplicate() : kernel::Fd());
      }
      kernel::RawProgram loaded = kernel::load_instructions(p.program, maps);
      if (!loaded.verdict.accepted) {
        return Error{ErrorCode::kProgram, std::string("the kernel refuses a program: ") + loaded.verdict.log};
      }
      programs_.push_back(std::move(loaded.fd));
    }
    return built;
  }

  std::vector<Way> ways() override {
    return {{"kernel, program in its JIT",
             [this](Work work, std::uint32_t keys, std::uint32_t lookups, std::uint32_t& sum) {
               return run(work, keys, lookups, sum);
             },
             false}};
  }

 private:
  // In batches, which the kernel takes one by one behind a single system call.
  static Result<void> fill(const Workload& workload, int fd, const vm::MapSpec& spec) {
    constexpr std::size_t kBatch = 4096;
    std::vector<std::byte> keys(kBatch * spec.key_size);
    std::vector<std::uint64_t> values(kBatch);
    for (std::size_t at = 0; at < workload.entries.size(); at += kBatch) {
      auto count = static_cast<std::uint32_t>(std::min(kBatch, workload.entries.size() - at));
      for (std::size_t i = 0; i < count; ++i) {
        const Entry& e = workload.entries[at + i];
        write_key(workload.table, e.key, e.bits, &keys[i * spec.key_size]);
        values[i] = e.value;
      }
      if (bpf_map_update_batch(fd, keys.data(), values.data(), &count, nullptr) != 0) {
        return Error{ErrorCode::kEnvironment, std::string("the kernel's map: ") + std::strerror(errno)};
      }
    }
    return {};
  }

  Result<double> run(Work work, std::uint32_t keys, std::uint32_t lookups, std::uint32_t& sum) {
    if (list_->mask != keys - 1) {
      const std::uint32_t zero = 0;
      list_->mask = keys - 1;
      if (bpf_map_update_elem(keys_.get(), &zero, list_.get(), 0) != 0) {
        return Error{ErrorCode::kEnvironment, std::string("the kernel's keys: ") + std::strerror(errno)};
      }
    }
    static const std::vector<std::byte> frame(64);

    // What the kernel reports itself is time of the wall; the system call's own is not seen behind so many look-ups.
    const double start = cpu_time();
    const auto result = kernel::run(programs_[static_cast<std::size_t>(work)],
                                    {.data = frame, .repeat = std::max(1U, lookups / kStep)});
    const double ns = (cpu_time() - start) * 1e9;
    if (!result) return result.error();
    sum = result->retval;
    return ns;
  }

  std::string object_;
  std::unique_ptr<KeyList> list_;
  kernel::Fd table_, keys_;
  std::vector<kernel::Fd> programs_;  // by Work
};

}  // namespace

std::unique_ptr<Peer> make_kernel(const std::string& object) { return std::make_unique<Kernel>(object); }

}  // namespace sluice::bench
