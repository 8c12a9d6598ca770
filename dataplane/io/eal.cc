#include "dataplane/io/eal.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <mutex>

#include <fmt/format.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <rte_version.h>

namespace sluice::io {
namespace {

constexpr std::uint64_t kMega = 1U << 20;
constexpr std::uint64_t kSlack = 64 * kMega;  // rings, device state, DPDK's own tables

// DPDK has one log a process, and so has this.
struct LogTail {
  std::mutex mutex;
  std::string last;
};
LogTail& log_tail() {
  static LogTail tail;
  return tail;
}

ssize_t take_log(void* /*cookie*/, const char* text, std::size_t size) {
  std::string line(text, size);
  while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) line.pop_back();
  LogTail& tail = log_tail();
  const std::scoped_lock lock(tail.mutex);
  if (!line.empty()) tail.last = std::move(line);
  return static_cast<ssize_t>(size);
}

void capture_log() {
  std::FILE* const stream =
      fopencookie(nullptr, "w", {.read = nullptr, .write = take_log, .seek = nullptr, .close = nullptr});
  if (stream == nullptr) return;
  setvbuf(stream, nullptr, _IOLBF, BUFSIZ);
  rte_openlog_stream(stream);
}

std::vector<unsigned> usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<unsigned> cpus;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return {0};
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

std::uint64_t read_number(const std::string& path) {
  std::ifstream file(path);
  std::uint64_t number = 0;
  file >> number;
  return file ? number : 0;
}

// Free huge pages of 2 MiB and 1 GiB, in bytes.
std::uint64_t free_huge_bytes() {
  std::uint64_t bytes = 0;
  for (const unsigned kilobytes : {2048U, 1048576U}) {
    bytes += read_number(fmt::format("/sys/kernel/mm/hugepages/hugepages-{}kB/free_hugepages", kilobytes)) * kilobytes *
             1024;
  }
  return bytes;
}

// Memory that programs can still get without pushing others out, in bytes; no limit where the kernel does not say.
std::uint64_t available_bytes() {
  std::ifstream file("/proc/meminfo");
  std::string word;
  std::uint64_t kilobytes = 0;
  while (file >> word) {
    if (word == "MemAvailable:" && file >> kilobytes) return kilobytes * 1024;
  }
  return UINT64_MAX;
}

Error no_huge_pages(std::uint64_t need, std::uint64_t have) {
  const std::uint64_t pages = (need + 2 * kMega - 1) / (2 * kMega);
  return {ErrorCode::kEnvironment,
          fmt::format("{} MiB of huge pages are needed, {} MiB are free; try: sysctl vm.nr_hugepages={} (or "
                      "`dpdk: {{hugepages: auto}}` to do without)",
                      (need + kMega - 1) / kMega, have / kMega, pages)};
}

}  // namespace

std::string last_log() {
  LogTail& tail = log_tail();
  const std::scoped_lock lock(tail.mutex);
  return tail.last;
}

void forget_log() {
  LogTail& tail = log_tail();
  const std::scoped_lock lock(tail.mutex);
  tail.last.clear();
}

std::string dpdk_version() { return fmt::format("{}.{}.{}", RTE_VER_YEAR, RTE_VER_MONTH, RTE_VER_MINOR); }

Result<std::vector<std::string>> eal_arguments(const EalPlan& plan, const std::vector<unsigned>& cpus, bool huge) {
  std::vector<unsigned> wanted = plan.cores;
  if (plan.main_core) wanted.push_back(*plan.main_core);
  for (const unsigned cpu : wanted) {
    if (std::ranges::find(cpus, cpu) != cpus.end()) continue;
    return Error{ErrorCode::kConfig,
                 fmt::format("workers: CPU {} is not one this process may run on ({})", cpu, fmt::join(cpus, ", "))};
  }
  const auto is_worker = [&](unsigned cpu) { return std::ranges::find(plan.cores, cpu) != plan.cores.end(); };
  const auto spare = std::ranges::find_if_not(cpus, is_worker);
  const unsigned main = plan.main_core.value_or(spare != cpus.end() ? *spare : cpus.front());
  std::vector<unsigned> cores = plan.cores;
  if (cores.empty()) {
    std::ranges::copy_if(cpus, std::back_inserter(cores), [main](unsigned cpu) { return cpu != main; });
  }
  if (cores.empty()) cores.push_back(main);

  std::string lcores = fmt::format("0@{}", main);
  for (unsigned worker = 0; worker < plan.workers; ++worker) {
    lcores += fmt::format(",{}@{}", Eal::lcore_of(worker), cores[worker % cores.size()]);
  }
  std::vector<std::string> args = {"sluice", "--lcores", lcores, "--main-lcore", "0", "--no-telemetry"};
  if (!plan.pci) args.emplace_back("--no-pci");
  if (huge) {
    args.emplace_back("--in-memory");
  } else {
    const std::uint64_t megabytes = (plan.memory_bytes + kSlack + kMega - 1) / kMega;
    for (const std::string& arg :
         {std::string("--no-huge"), std::string("--no-shconf"), std::string("-m"), fmt::format("{}", megabytes)}) {
      args.push_back(arg);
    }
  }
  args.insert(args.end(), plan.extra.begin(), plan.extra.end());
  return args;
}

Result<Eal> Eal::start(const EalPlan& plan) {
  using Hugepages = config::Dpdk::Hugepages;
  capture_log();
  const std::uint64_t need = plan.memory_bytes + kSlack;
  const std::uint64_t free = plan.hugepages == Hugepages::kNever ? 0 : free_huge_bytes();
  if (plan.hugepages == Hugepages::kRequired && free < need) return no_huge_pages(need, free);
  const bool huge = free >= need;
  // DPDK touches all of it at once: more than there is would end some process, not this call.
  if (const std::uint64_t available = available_bytes(); !huge && need > available) {
    return Error{ErrorCode::kEnvironment,
                 fmt::format("{} MiB of memory are needed, {} MiB are available; ask for less by "
                             "`dpdk: {{memory: SIZE}}`",
                             (need + kMega - 1) / kMega, available / kMega)};
  }
  auto args = eal_arguments(plan, usable_cpus(), huge);
  if (!args) return std::move(args).error();

  std::vector<char*> argv;
  for (std::string& arg : *args) argv.push_back(arg.data());
  forget_log();
  if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0) {
    const int error = rte_errno;
    const std::string log = last_log();
    return Error{ErrorCode::kEnvironment,
                 fmt::format("DPDK does not start: {}{}{}; arguments: {}", std::strerror(error),
                             log.empty() ? "" : ": ", log, fmt::join(*args, " "))};
  }
  return Eal(huge);
}

Eal::Eal(Eal&& other) noexcept : huge_(other.huge_), running_(std::exchange(other.running_, false)) {}

Eal::~Eal() {
  if (running_) rte_eal_cleanup();
}

}  // namespace sluice::io
