// Our maps: from a program in our JIT, and by the function that such programs call.
#include <cstring>

#include "bench/maps/peer.h"
#include "dataplane/pipeline/frame.h"
#include "dataplane/pipeline/runner.h"
#include "helpers/table.h"
#include "jit/x86_64/lookup.h"
#include "verifier/verifier.h"

namespace sluice::bench {
namespace {

class Sluice final : public Peer {
 public:
  explicit Sluice(std::string object) : object_(std::move(object)), buffer_(pipeline::FrameModel::kNative) {}
  [[nodiscard]] std::string name() const override { return "Sluice"; }

  Result<Built> build(const Workload& workload) override {
    workload_ = &workload;
    const double before = resident_bytes();
    const double start = now();
    auto programs = load_programs(object_, workload.table, static_cast<std::uint32_t>(workload.entries.size()));
    if (!programs) return std::move(programs).error();
    table_ = programs->front().table;
    if (auto done = fill(); !done) return std::move(done).error();
    const Built built{.seconds = now() - start, .bytes = resident_bytes() - before};
    std::byte zero[4] = {};
    list_ = reinterpret_cast<KeyList*>(programs->front().keys->lookup(zero, 0));
    std::memcpy(list_->bytes, workload.keys.data(), workload.keys.size());
    for (Program& p : *programs) {
      auto outcome = verifier::verify(std::move(p.program), helpers::table());
      if (!outcome.accepted()) return Error{ErrorCode::kProgram, "our verifier refuses a program of " + object_};
      auto runner = pipeline::Runner::make(std::move(outcome).take(), pipeline::Engine::kJit, helpers::table());
      if (!runner) return std::move(runner).error();
      runners_.push_back(std::move(*runner));
    }
    buffer_.load(frame_, false, context_);
    return built;
  }

  std::vector<Way> ways() override {
    lookup_ = jit::x86_64::lookup_function(*table_, jit::x86_64::detect_features());
    return {
        {"Sluice, program in the JIT", [this](Work work, std::uint32_t keys, std::uint32_t lookups,
                                              std::uint32_t& sum) { return run_program(work, keys, lookups, sum); }},
        {"Sluice, called from C++",
         [this](Work work, std::uint32_t keys, std::uint32_t lookups, std::uint32_t& sum) -> Result<double> {
           switch (workload_->table) {
             case Table::kHash: return call<Table::kHash>(work, keys, lookups, sum);
             case Table::kLpm4: return call<Table::kLpm4>(work, keys, lookups, sum);
             case Table::kLpm6: return call<Table::kLpm6>(work, keys, lookups, sum);
           }
           return 0.0;
         }}};
  }

 private:
  Result<void> fill() {
    std::byte key[20];
    for (const Entry& e : workload_->entries) {
      const std::uint64_t value = e.value;
      write_key(workload_->table, e.key, e.bits, key);
      const auto* const bytes = reinterpret_cast<const std::byte*>(&value);
      if (const int error = table_->update(key, bytes, vm::UpdateMode::kAny, 0); error != 0) {
        return Error{ErrorCode::kEnvironment, std::string("our map: ") + std::strerror(-error)};
      }
    }
    return {};
  }

  double run_program(Work work, std::uint32_t keys, std::uint32_t lookups, std::uint32_t& sum) {
    list_->mask = keys - 1;
    const pipeline::Runner& runner = runners_[static_cast<std::size_t>(work)];
    sum = 0;
    const double start = cpu_time();
    for (std::uint32_t done = 0; done < lookups; done += kStep) {
      std::uint32_t verdict = 0;
      runner.burst(&context_, 1, &verdict, env_);
      sum += verdict;
    }
    return (cpu_time() - start) * 1e9;
  }

  template <Table kTable>
  double call(Work work, std::uint32_t keys, std::uint32_t lookups, std::uint32_t& sum) {
    constexpr std::size_t kBytes = key_bytes(kTable);
    const std::uint8_t* const list = workload_->keys.data();
    const void* const view = table_->view();
    std::uint32_t total = 0;
    const double start = cpu_time();
    for (std::uint32_t i = 0; i < lookups; ++i) {
      alignas(8) std::uint8_t key[20];
      write_key(kTable, list + ((at_ + i) & (keys - 1)) * kBytes, kBytes * 8, reinterpret_cast<std::byte*>(key));
      asm volatile("" : : "r"(key) : "memory");
      if (work == Work::kNone) {
        std::uint32_t word = 0;
        std::memcpy(&word, key + 4, sizeof word);
        total += word;
        continue;
      }
      const std::uint8_t* const value = lookup_(view, key, 0);
      if (value == nullptr) continue;
      total += work == Work::kValue ? *reinterpret_cast<const std::uint32_t*>(value) : 1;
    }
    const double ns = (cpu_time() - start) * 1e9;
    at_ += lookups;
    sum = total;
    return ns;
  }

  std::string object_;
  const Workload* workload_ = nullptr;
  std::shared_ptr<vm::Map> table_;
  KeyList* list_ = nullptr;
  std::vector<pipeline::Runner> runners_;  // by Work
  jit::x86_64::LookupFunction lookup_ = nullptr;
  std::uint32_t at_ = 0;
  std::vector<std::byte> frame_ = std::vector<std::byte>(64);
  pipeline::FrameBuffer buffer_;
  vm::XdpContext context_;
  vm::ExecEnv env_;
};

}  // namespace

std::unique_ptr<Peer> make_sluice(const std::string& object) { return std::make_unique<Sluice>(object); }

}  // namespace sluice::bench
