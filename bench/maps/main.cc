// Our maps, the running kernel's and DPDK's tables beside one another: time to build, memory an entry, ns a look-up.
//     bench/map_lookup OBJECT [--hash N] [--lpm4 N] [--lpm6 N] [--rounds N] [--no-dpdk]
// OBJECT is map_lookup.bpf.o. All peers hold the same entries and are asked for the same keys, each of which hits;
// before anything is timed their answers must agree. Rounds are interleaved, medians printed. "random": 2^20 keys of
// entries anywhere in the table, so that nearly all of them miss the caches; "hot": 2^10 of them, again and again.
// Before a way is timed it looks as many keys up untimed: caches hold what it left there, not what the others did. What
// the loop around costs, keys copied and all, is measured in the same rounds and subtracted. "read": the value was read
// as well, which is in the answer itself with DPDK. Times are this thread's on its CPU, in the kernel too; still,
// others on the machine take cache and memory: the load average is printed. All of it takes about three minutes, one of
// them for rte_lpm, which looks each new prefix up in a list.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "bench/maps/peer.h"

namespace sluice::bench {
namespace {

struct Options {
  std::string object;
  std::uint32_t hash = 10'000'000, lpm4 = 1'000'000, lpm6 = 200'000;  // entries; 0 = leave out
  std::uint32_t rounds = 9;
  bool dpdk = true;
};

struct Column {
  const char* name;
  std::uint32_t keys;
  Work work;
};
constexpr Column kColumns[] = {{"random", kMostKeys, Work::kHit},
                               {"and read", kMostKeys, Work::kValue},
                               {"hot", kStep, Work::kHit},
                               {"and read", kStep, Work::kValue}};
constexpr std::uint32_t kLookups = 1U << 19;  // a column and round

struct Measured {
  Way way;
  std::vector<double> columns[std::size(kColumns)];  // ns a look-up, one a round
};

[[noreturn]] void stop(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(5);
}

template <typename T>
T or_stop(Result<T> result) {
  if (!result) stop(result.error().message);
  return std::move(result).value();
}

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

// Everybody finds the same: in the first kStep keys, and in all of them.
void check(const std::vector<Measured>& all) {
  std::uint32_t expected[2] = {};
  bool known[2] = {};
  for (const Measured& m : all) {
    for (const bool whole : {false, true}) {
      if (whole && !m.way.sums_all) continue;
      std::uint32_t sum = 0;
      const std::uint32_t keys = whole ? kMostKeys : kStep;
      or_stop(m.way.run(Work::kValue, keys, keys, sum));
      if (!std::exchange(known[whole], true)) expected[whole] = sum;
      if (sum != expected[whole]) stop(m.way.name + " finds something else than " + all.front().way.name);
    }
  }
}

double ns_of(const Measured& m, const Column& column, Work work) {
  std::uint32_t sum = 0;
  return or_stop(m.way.run(work, column.keys, kLookups, sum)) / kLookups;
}

void measure(std::vector<Measured>& all, std::uint32_t rounds) {
  for (std::uint32_t round = 0; round <= rounds; ++round) {  // the first one warms up
    for (std::size_t c = 0; c < std::size(kColumns); ++c) {
      for (Measured& m : all) {
        ns_of(m, kColumns[c], kColumns[c].work);  // not timed
        const double none = ns_of(m, kColumns[c], Work::kNone);
        const double ns = std::max(ns_of(m, kColumns[c], kColumns[c].work) - none, 0.0);
        if (round != 0) m.columns[c].push_back(ns);
      }
    }
  }
}

bool is_ours(const Measured& m) { return m.way.name.starts_with("Sluice"); }

// The fastest of some ways, by column; 0 where there is none.
template <typename Filter>
std::vector<double> fastest(const std::vector<Measured>& all, Filter filter) {
  std::vector<double> best(std::size(kColumns), 0);
  for (const Measured& m : all) {
    for (std::size_t c = 0; filter(m) && c < best.size(); ++c) {
      const double ns = median(m.columns[c]);
      if (best[c] == 0 || ns < best[c]) best[c] = ns;
    }
  }
  return best;
}

void print_ratios(const char* name, const std::vector<double>& ours, const std::vector<double>& theirs) {
  std::printf("  %-36s", name);
  for (std::size_t c = 0; c < ours.size(); ++c) {
    theirs[c] > 0 ? std::printf("%10.2f", ours[c] / theirs[c]) : std::printf("%10s", "-");
  }
  std::printf("\n");
}

void print(const std::vector<Measured>& all) {
  std::printf("  %-36s", "ns a look-up");
  for (const Column& c : kColumns) std::printf("%10s", c.name);
  std::printf("\n");
  for (const Measured& m : all) {
    std::printf("  %-36s", m.way.name.c_str());
    for (const auto& rounds : m.columns) std::printf("%10.1f", median(rounds));
    std::printf("\n");
  }
  const std::vector<double> ours = fastest(all, is_ours);
  print_ratios("ours : fastest, one key at a time", ours,
               fastest(all, [](const Measured& m) { return !is_ours(m) && !m.way.bulk; }));
  print_ratios("ours : fastest, in bulk", ours, fastest(all, [](const Measured& m) { return m.way.bulk; }));
  std::printf("\n");
}

void compare(const Workload& workload, const Options& options) {
  std::printf("%s\n", workload.name.c_str());
  std::vector<std::unique_ptr<Peer>> peers;
  peers.push_back(make_sluice(options.object));
  peers.push_back(make_kernel(options.object));
  if (options.dpdk) std::ranges::move(make_dpdk(workload.table), std::back_inserter(peers));
  std::vector<Measured> all;
  for (const auto& peer : peers) {
    const auto built = peer->build(workload);
    if (!built) {
      std::printf("  without %s: %s\n", peer->name().c_str(), built.error().message.c_str());
      if (peer == peers.front()) std::exit(5);
      continue;
    }
    std::printf("  %-36s%7.2f s to build%8.0f bytes an entry\n", peer->name().c_str(), built->seconds,
                built->bytes / static_cast<double>(workload.entries.size()));
    std::fflush(stdout);
    for (Way& way : peer->ways()) all.push_back({std::move(way), {}});
  }
  check(all);
  measure(all, options.rounds);
  std::printf("  of this process %.0f MB resident, %.0f MB of them in huge pages\n", resident_bytes() / 1e6,
              huge_bytes() / 1e6);
  print(all);
}

bool parse(int argc, char** argv, Options& options) {
  const struct {
    const char* name;
    std::uint32_t* number;
  } numbers[] = {
      {"--hash", &options.hash}, {"--lpm4", &options.lpm4}, {"--lpm6", &options.lpm6}, {"--rounds", &options.rounds}};
  if (argc < 2) return false;
  options.object = argv[1];
  for (int i = 2; i < argc; ++i) {
    if (std::strcmp(argv[i], "--no-dpdk") == 0) {
      options.dpdk = false;
      continue;
    }
    const auto* const row =
        std::ranges::find_if(numbers, [&](const auto& n) { return n.name == std::string(argv[i]); });
    if (row == std::end(numbers) || i + 1 == argc) return false;
    *row->number = static_cast<std::uint32_t>(std::strtoul(argv[++i], nullptr, 10));
  }
  return options.rounds != 0;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  using namespace sluice::bench;
  Options options;
  if (!parse(argc, argv, options)) {
    std::fprintf(stderr, "usage: %s OBJECT [--hash N] [--lpm4 N] [--lpm6 N] [--rounds N] [--no-dpdk]\n", argv[0]);
    return 2;
  }
  if (options.dpdk) {
    if (const auto started = start_dpdk(); !started) {
      std::printf("without DPDK: %s\n", started.error().message.c_str());
      options.dpdk = false;
    }
  }
  std::printf("load average %s at the start, medians of %u rounds\n\n", load_average().c_str(), options.rounds);
  if (options.hash != 0) compare(make_hash(options.hash), options);
  if (options.lpm4 != 0) compare(make_lpm4(options.lpm4), options);
  if (options.lpm6 != 0) compare(make_lpm6(options.lpm6), options);
  std::printf("load average %s at the end\n", load_average().c_str());
  return 0;
}
