// The entries and keys of bench/maps, the same in every run; and small things its peers share.
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <random>
#include <span>
#include <unordered_set>

#include "bench/maps/peer.h"
#include "vm/elf.h"

namespace sluice::bench {
namespace {

using Random = std::mt19937_64;

struct Share {
  std::uint8_t bits;
  unsigned weight;
};
// Shares of prefix lengths, in 1/1000 about as in the default-free zone.
constexpr Share kLengths4[] = {{8, 1},   {12, 1},  {14, 2},   {15, 2},   {16, 14},  {17, 9}, {18, 15}, {19, 26},
                               {20, 45}, {21, 52}, {22, 115}, {23, 104}, {24, 608}, {28, 2}, {30, 2},  {32, 2}};
constexpr Share kLengths6[] = {{29, 30}, {32, 120}, {33, 20}, {34, 20}, {36, 55},  {38, 10}, {40, 100},
                               {42, 20}, {44, 90},  {46, 40}, {47, 25}, {48, 455}, {56, 7},  {64, 8}};

std::uint8_t draw(std::span<const Share> shares, Random& random) {
  unsigned all = 0;
  for (const Share& s : shares) all += s.weight;
  unsigned at = static_cast<unsigned>(random() % all);
  for (const Share& s : shares) {
    if (at < s.weight) return s.bits;
    at -= s.weight;
  }
  return shares.back().bits;
}

// Bits from `bits` on become 0, or random.
void cut(std::uint8_t* address, std::size_t bytes, unsigned bits, Random* random) {
  for (std::size_t i = 0; i < bytes; ++i) {
    const unsigned kept = bits >= 8 * (i + 1) ? 8 : bits > 8 * i ? bits - 8 * static_cast<unsigned>(i) : 0;
    const auto mask = static_cast<std::uint8_t>(0xff00U >> kept);
    const auto rest = random != nullptr ? static_cast<std::uint8_t>((*random)()) : std::uint8_t{0};
    address[i] = static_cast<std::uint8_t>((address[i] & mask) | (rest & ~mask));
  }
}

std::string text_of(const Entry& e) {
  return std::string(reinterpret_cast<const char*>(e.key), sizeof e.key) + static_cast<char>(e.bits);
}

// Draws entries until there are so many different ones; then the keys: of entries at random, bits behind the prefix
// random.
template <typename Draw>
Workload fill(std::string name, Table table, std::uint32_t entries, Draw draw_one) {
  Random random(1);
  Workload workload{std::move(name), table, {}, {}};
  workload.entries.reserve(entries);
  std::unordered_set<std::string> seen;
  while (workload.entries.size() < entries) {
    Entry e = draw_one(random, workload.entries);
    if (!seen.insert(text_of(e)).second) continue;
    e.value = static_cast<std::uint16_t>(1 + random() % 65535);
    workload.entries.push_back(e);
  }
  const std::size_t bytes = key_bytes(table);
  workload.keys.resize(bytes * kMostKeys);
  for (std::size_t i = 0; i < kMostKeys; ++i) {
    Entry e = workload.entries[random() % entries];
    if (table != Table::kHash) cut(e.key, bytes, e.bits, &random);
    std::memcpy(&workload.keys[i * bytes], e.key, bytes);
  }
  return workload;
}

// Where the registries give IPv6 prefixes from.
constexpr std::uint16_t kBlocks6[] = {0x2001, 0x2400, 0x2401, 0x2402, 0x2403, 0x2404, 0x2405, 0x2406, 0x2407,
                                      0x2408, 0x2409, 0x240a, 0x240e, 0x2600, 0x2601, 0x2602, 0x2603, 0x2604,
                                      0x2605, 0x2606, 0x2607, 0x2620, 0x2800, 0x2801, 0x2803, 0x2804, 0x2806,
                                      0x2a00, 0x2a01, 0x2a02, 0x2a03, 0x2a04, 0x2a05, 0x2a06, 0x2a07, 0x2a09,
                                      0x2a0a, 0x2a0b, 0x2a0c, 0x2a0d, 0x2a0e, 0x2a0f, 0x2a10, 0x2a12, 0x2c0f};

}  // namespace

Workload make_hash(std::uint32_t entries) {
  Random random(1);
  Workload workload{"hash, " + std::to_string(entries) + " keys of 8 bytes", Table::kHash, {}, {}};
  workload.entries.resize(entries);
  // An odd multiplier: no two numbers alike.
  for (std::uint32_t i = 0; i < entries; ++i) {
    const std::uint64_t key = (std::uint64_t{i} + 1) * 0x9e3779b97f4a7c15U;
    std::memcpy(workload.entries[i].key, &key, sizeof key);
    workload.entries[i].value = static_cast<std::uint16_t>(1 + random() % 65535);
  }
  workload.keys.resize(std::size_t{8} * kMostKeys);
  for (std::size_t i = 0; i < kMostKeys; ++i) {
    std::memcpy(&workload.keys[i * 8], workload.entries[random() % entries].key, 8);
  }
  return workload;
}

Workload make_lpm4(std::uint32_t entries) {
  return fill("LPM, " + std::to_string(entries) + " IPv4 prefixes", Table::kLpm4, entries,
              [](Random& random, const std::vector<Entry>&) {
                Entry e;
                e.bits = draw(kLengths4, random);
                const std::uint64_t bits = random();
                std::memcpy(e.key, &bits, 4);
                e.key[0] = static_cast<std::uint8_t>(1 + e.key[0] % 223);
                cut(e.key, 4, e.bits, nullptr);
                return e;
              });
}

Workload make_lpm6(std::uint32_t entries) {
  return fill("LPM, " + std::to_string(entries) + " IPv6 prefixes", Table::kLpm6, entries,
              [](Random& random, const std::vector<Entry>& before) {
                Entry e;
                e.bits = draw(kLengths6, random);
                // Longer ones mostly lie in what somebody has already.
                const Entry* around = before.empty() ? nullptr : &before[random() % before.size()];
                if (e.bits > 32 && around != nullptr && around->bits < e.bits) {
                  e = Entry{.bits = e.bits};
                  std::memcpy(e.key, around->key, sizeof e.key);
                  cut(e.key, 16, around->bits, &random);
                } else {
                  const std::uint16_t block = kBlocks6[random() % std::size(kBlocks6)];
                  e.key[0] = static_cast<std::uint8_t>(block >> 8);
                  e.key[1] = static_cast<std::uint8_t>(block);
                  cut(e.key, 16, 16, &random);
                }
                cut(e.key, 16, e.bits, nullptr);
                return e;
              });
}

void write_key(Table table, const std::uint8_t* key, std::uint32_t bits, std::byte* out) {
  if (table != Table::kHash) {
    std::memcpy(out, &bits, sizeof bits);
    out += sizeof bits;
  }
  std::memcpy(out, key, key_bytes(table));
}

Result<std::vector<Program>> load_programs(const std::string& path, Table table, std::uint32_t entries) {
  static constexpr const char* kNames[] = {"hash", "lpm4", "lpm6"};
  const std::string name = kNames[static_cast<std::size_t>(table)];
  auto object = vm::load_elf(path);
  if (!object) return std::move(object).error();
  std::vector<bool> needed(object->maps.size());
  std::size_t table_at = 0;
  std::size_t keys_at = 0;
  for (std::size_t i = 0; i < needed.size(); ++i) {
    vm::MapSpec& spec = object->maps[i].spec;
    if (spec.name == name) {
      table_at = i;
      spec.max_entries = entries;
    } else if (spec.name == "keys") {
      keys_at = i;
    } else {
      continue;
    }
    needed[i] = true;
  }
  const auto maps = vm::make_maps(*object, 1, needed);
  if (!maps) return maps.error();
  std::vector<Program> programs;
  for (const char* work : {"_none", "_hit", "_value"}) {
    const vm::LoadedProgram* program = object->program(name + work);
    if (program == nullptr) return Error{ErrorCode::kProgram, path + " has no program " + name + work};
    programs.push_back({vm::bind(*program, *maps), (*maps)[table_at], (*maps)[keys_at]});
  }
  return programs;
}

double cpu_time() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}
double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

namespace {
// The sum of the lines of /proc/self/smaps_rollup that start with one of the names, in bytes.
double rollup(std::span<const std::string_view> names) {
  std::ifstream file("/proc/self/smaps_rollup");
  std::string word;
  double kilobytes = 0;
  while (file >> word) {
    double number = 0;
    if (std::ranges::find(names, word) != names.end() && file >> number) kilobytes += number;
  }
  return kilobytes * 1024;
}
}  // namespace

double resident_bytes() {
  static constexpr std::string_view kNames[] = {"Rss:"};
  return rollup(kNames);
}

double huge_bytes() {
  static constexpr std::string_view kNames[] = {
      "AnonHugePages:", "ShmemPmdMapped:", "FilePmdMapped:", "Private_Hugetlb:", "Shared_Hugetlb:"};
  return rollup(kNames);
}

std::string load_average() {
  std::ifstream file("/proc/loadavg");
  std::string one;
  std::string five;
  std::string fifteen;
  file >> one >> five >> fifteen;
  return one + " " + five + " " + fifteen;
}

}  // namespace sluice::bench
