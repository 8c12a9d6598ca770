#include "tests/unit/vm/maps/cases.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "base/check.h"
#include "tests/support/programs.h"

namespace sluice::vm::testing {
namespace {

std::uint32_t index_in(const Bytes& key) {
  std::uint32_t index = 0;
  std::memcpy(&index, key.data(), sizeof index);
  return index;
}

class ArrayOracle : public Oracle {
 public:
  ArrayOracle(const MapSpec& spec, std::uint32_t transfer) {
    for (std::uint32_t i = 0; i < spec.max_entries; ++i) all_[index_key(i)] = Bytes(transfer);
  }
  int update(const Bytes& key, const Bytes& value, std::uint64_t mode) override {
    if (mode > 2) return -EINVAL;
    if (!all_.contains(key)) return -E2BIG;
    if (mode == 1) return -EEXIST;
    all_[key] = value;
    return 0;
  }
  int erase(const Bytes&) override { return -EINVAL; }
  const Bytes* lookup(const Bytes& key) const override {
    const auto found = all_.find(key);
    return found == all_.end() ? nullptr : &found->second;
  }
};

class HashOracle : public Oracle {
 public:
  HashOracle(const MapSpec& spec, int full) : most_(spec.max_entries), full_(full) {}
  int update(const Bytes& key, const Bytes& value, std::uint64_t mode) override {
    if (mode > 2) return -EINVAL;
    const bool there = all_.contains(key);
    if (there && mode == 1) return -EEXIST;
    if (!there && mode == 2) return -ENOENT;
    if (!there && all_.size() == most_) return full_;
    all_[key] = value;
    return 0;
  }
  int erase(const Bytes& key) override { return all_.erase(key) != 0 ? 0 : -ENOENT; }
  const Bytes* lookup(const Bytes& key) const override {
    const auto found = all_.find(key);
    return found == all_.end() ? nullptr : &found->second;
  }

 private:
  std::size_t most_;
  int full_;
};

// Elements by their prefix with the bits behind it cleared; what next_key gives keeps those bits.
class LpmOracle : public Oracle {
 public:
  explicit LpmOracle(const MapSpec& spec) : bits_((spec.key_size - 4) * 8), most_(spec.max_entries) {}
  int update(const Bytes& key, const Bytes& value, std::uint64_t mode) override {
    if (mode > 2 || index_in(key) > bits_) return -EINVAL;
    const auto old = std::ranges::find_if(all_, [&](const auto& entry) { return same(entry.first, key); });
    if (old != all_.end() && mode == 1) return -EEXIST;
    if (old == all_.end() && mode == 2) return -ENOENT;
    if (old == all_.end() && all_.size() == most_) return -ENOSPC;
    if (old != all_.end()) all_.erase(old);
    all_[key] = value;
    return 0;
  }
  int erase(const Bytes& key) override {
    if (index_in(key) > bits_) return -EINVAL;
    return std::erase_if(all_, [&](const auto& entry) { return same(entry.first, key); }) != 0 ? 0 : -ENOENT;
  }
  const Bytes* lookup(const Bytes& key) const override {
    if (index_in(key) > bits_) return nullptr;
    const Bytes* best = nullptr;
    std::uint32_t length = 0;
    for (const auto& [prefix, value] : all_) {
      const std::uint32_t bits = index_in(prefix);
      if (bits > index_in(key) || !agree(prefix, key, bits) || (best != nullptr && bits < length)) continue;
      best = &value;
      length = bits;
    }
    return best;
  }

 private:
  static bool agree(const Bytes& a, const Bytes& b, std::uint32_t bits) {
    for (std::uint32_t bit = 0; bit < bits; ++bit) {
      const auto mask = static_cast<std::byte>(0x80 >> bit % 8);
      if (((a[4 + bit / 8] ^ b[4 + bit / 8]) & mask) != std::byte{0}) return false;
    }
    return true;
  }
  static bool same(const Bytes& a, const Bytes& b) { return index_in(a) == index_in(b) && agree(a, b, index_in(a)); }
  std::uint32_t bits_;
  std::size_t most_;
};

class SlotOracle : public Oracle {
 public:
  SlotOracle(const MapSpec& spec, bool devmap) : most_(spec.max_entries), devmap_(devmap) {}
  int update(const Bytes& key, const Bytes& value, std::uint64_t mode) override {
    if (devmap_ ? mode > 2 : mode != 0) return -EINVAL;
    if (index_in(key) >= most_) return -E2BIG;
    if (mode == 1) return -EEXIST;
    all_[key] = value;
    if (devmap_ && index_in(value) == 0) all_.erase(key);
    return 0;
  }
  int erase(const Bytes& key) override {
    if (index_in(key) >= most_) return devmap_ ? -EINVAL : -E2BIG;
    return all_.erase(key) != 0 || devmap_ ? 0 : -ENOENT;
  }
  const Bytes* lookup(const Bytes& key) const override {
    const auto found = all_.find(key);
    return found == all_.end() ? nullptr : &found->second;
  }

 private:
  std::uint32_t most_;
  bool devmap_;
};

class DevmapHashOracle : public Oracle {
 public:
  explicit DevmapHashOracle(const MapSpec& spec) : most_(spec.max_entries) {}
  int update(const Bytes& key, const Bytes& value, std::uint64_t mode) override {
    if (mode > 2 || index_in(value) == 0) return -EINVAL;
    if (all_.contains(key) && mode == 1) return -EEXIST;
    if (!all_.contains(key) && all_.size() == most_) return -E2BIG;
    all_[key] = value;
    return 0;
  }
  int erase(const Bytes& key) override { return all_.erase(key) != 0 ? 0 : -ENOENT; }
  const Bytes* lookup(const Bytes& key) const override {
    const auto found = all_.find(key);
    return found == all_.end() ? nullptr : &found->second;
  }

 private:
  std::size_t most_;
};

class CpumapOracle : public Oracle {
 public:
  explicit CpumapOracle(const MapSpec& spec) : most_(spec.max_entries) {}
  int update(const Bytes& key, const Bytes& value, std::uint64_t mode) override {
    if (mode > 2) return -EINVAL;
    if (index_in(key) >= most_) return -E2BIG;
    if (mode == 1) return -EEXIST;
    if (index_in(value) > 16384) return -EOVERFLOW;
    if (index_in(key) >= kCpus) return -ENODEV;
    all_[key] = value;
    if (index_in(value) == 0) all_.erase(key);
    return 0;
  }
  int erase(const Bytes& key) override {
    if (index_in(key) >= most_) return -EINVAL;
    all_.erase(key);
    return 0;
  }
  const Bytes* lookup(const Bytes& key) const override {
    const auto found = all_.find(key);
    return found == all_.end() ? nullptr : &found->second;
  }

 private:
  std::uint32_t most_;
};

Bytes small_index(Random& random, const MapSpec& spec) {
  return index_key(static_cast<std::uint32_t>(random() % (spec.max_entries + 2)));
}

// Keys of any size out of a universe of twice max_entries, all bytes used.
Bytes hash_key(Random& random, const MapSpec& spec) {
  Random fixed(random() % (spec.max_entries * 2));
  if (spec.key_size == 1) return Bytes(1, static_cast<std::byte>(fixed() % (spec.max_entries * 2)));
  Bytes key(spec.key_size);
  for (std::byte& byte : key) byte = static_cast<std::byte>(fixed());
  return key;
}

// As hash_key, out of a universe that leaves the kernel no reason to evict, and one that just fits.
Bytes few_keys(Random& random, const MapSpec& spec) {
  Random fixed(random() % (spec.max_entries / 8));
  Bytes key(spec.key_size);
  for (std::byte& byte : key) byte = static_cast<std::byte>(fixed());
  return key;
}
Bytes all_keys(Random& random, const MapSpec& spec) {
  Bytes key = few_keys(random, spec);
  const auto number = static_cast<std::uint32_t>(random() % spec.max_entries);
  std::memset(key.data(), 0, key.size());
  std::memcpy(key.data(), &number, sizeof number);
  return key;
}

Bytes any_u32(Random& random, const MapSpec& spec) {
  return index_key(static_cast<std::uint32_t>(random() % (spec.max_entries * 2)) * 7);
}

// Prefixes that share much; a length out of range now and then.
Bytes lpm_key(Random& random, const MapSpec& spec) {
  Bytes key(spec.key_size);
  const std::uint32_t bits = (spec.key_size - 4) * 8;
  const auto length = static_cast<std::uint32_t>(random() % 100 == 0 ? bits + 1
                                                 : random() % 4 == 0 ? bits
                                                                     : random() % (bits + 1));
  std::memcpy(key.data(), &length, sizeof length);
  for (std::size_t i = 4; i < key.size(); ++i) key[i] = static_cast<std::byte>(random() % 4 == 0 ? 0x80 : random() % 3);
  return key;
}

Bytes any_value(Random& random, std::uint32_t size) {
  Bytes value(size);
  for (std::byte& byte : value) byte = static_cast<std::byte>(random());
  return value;
}

Bytes ifindex_value(Random& random, std::uint32_t size) {
  Bytes value(size);
  const auto ifindex = static_cast<std::uint32_t>(random() % 5);
  std::memcpy(value.data(), &ifindex, sizeof ifindex);
  return value;
}

// How many frames may wait, now and then none or too many.
Bytes waiting_value(Random& random, std::uint32_t size) {
  Bytes value(size);
  constexpr std::array<std::uint32_t, 5> kSome{0, 1, 192, 16384, 16385};
  const std::uint32_t waiting = kSome.at(random() % kSome.size());
  std::memcpy(value.data(), &waiting, sizeof waiting);
  return value;
}

Bytes number_value(Random& random, std::uint32_t) {
  return index_key(static_cast<std::uint32_t>(1 + random() % kNumbered));
}

template <typename T>
std::unique_ptr<Oracle> plain(const MapSpec& spec, std::uint32_t) {
  return std::make_unique<T>(spec);
}
std::unique_ptr<Oracle> array_oracle(const MapSpec& spec, std::uint32_t transfer) {
  return std::make_unique<ArrayOracle>(spec, transfer);
}
std::unique_ptr<Oracle> hash_oracle(const MapSpec& spec, std::uint32_t) {
  return std::make_unique<HashOracle>(spec, -E2BIG);
}
std::unique_ptr<Oracle> prog_array_oracle(const MapSpec& spec, std::uint32_t) {
  return std::make_unique<SlotOracle>(spec, false);
}
std::unique_ptr<Oracle> devmap_oracle(const MapSpec& spec, std::uint32_t) {
  return std::make_unique<SlotOracle>(spec, true);
}

MapSpec spec_of(MapType type, std::uint32_t key, std::uint32_t value, std::uint32_t most, std::uint32_t flags = 0) {
  MapSpec spec;
  spec.name = "m";
  spec.type = type;
  spec.key_size = key;
  spec.value_size = value;
  spec.max_entries = most;
  spec.flags = flags;
  return spec;
}

MapSpec of_maps(MapType type, std::uint32_t key, std::uint32_t most) {
  MapSpec spec = spec_of(type, key, 4, most);
  spec.inner = std::make_shared<const MapSpec>(spec_of(MapType::kHash, 4, 8, 2));
  return spec;
}

int put_map(MapOfMaps& map, const Bytes& key, const Bytes& value, std::uint64_t mode) {
  static const std::vector<std::shared_ptr<Map>> inside = [] {
    std::vector<std::shared_ptr<Map>> maps;
    for (std::uint32_t id = 1; id <= kNumbered; ++id) {
      maps.push_back(std::move(*make_map(spec_of(MapType::kHash, 4, 8, id), 1)));
      maps.back()->set_id(id);
    }
    return maps;
  }();
  return map.set(key.data(), inside.at(index_in(value) - 1), static_cast<UpdateMode>(mode));
}

}  // namespace

bool is_numbered(const Map& map) {
  return dynamic_cast<const ProgArray*>(&map) != nullptr || dynamic_cast<const MapOfMaps*>(&map) != nullptr;
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"array", spec_of(MapType::kArray, 4, 8, 16), small_index, any_value, array_oracle, true},
      {"array_odd", spec_of(MapType::kArray, 4, 13, 7), small_index, any_value, array_oracle, true},
      {"percpu_array", spec_of(MapType::kPercpuArray, 4, 12, 9), small_index, any_value, array_oracle, true},
      {"hash", spec_of(MapType::kHash, 4, 8, 32), hash_key, any_value, hash_oracle},
      {"hash_one", spec_of(MapType::kHash, 1, 1, 1), hash_key, any_value, hash_oracle},
      {"hash_odd", spec_of(MapType::kHash, 13, 7, 100, kMapNoPrealloc), hash_key, any_value, hash_oracle},
      {"hash_wide", spec_of(MapType::kHash, 40, 100, 300, kMapZeroSeed), hash_key, any_value, hash_oracle},
      {"percpu_hash", spec_of(MapType::kPercpuHash, 16, 12, 40), hash_key, any_value, hash_oracle},
      {"lru_hash", spec_of(MapType::kLruHash, 4, 8, 256), few_keys, any_value, hash_oracle},
      {"lru_hash_odd", spec_of(MapType::kLruHash, 13, 7, 400, kMapNoCommonLru), few_keys, any_value, hash_oracle},
      {"lru_hash_full", spec_of(MapType::kLruHash, 16, 20, 100), all_keys, any_value, hash_oracle, false, true},
      {"lru_percpu_hash", spec_of(MapType::kLruPercpuHash, 16, 12, 256), few_keys, any_value, hash_oracle},
      {"lru_percpu_hash_full", spec_of(MapType::kLruPercpuHash, 4, 8, 32), all_keys, any_value, hash_oracle, false,
       true},
      {"lpm_ipv4", spec_of(MapType::kLpmTrie, 8, 8, 60, kMapNoPrealloc), lpm_key, any_value, plain<LpmOracle>},
      {"lpm_ipv6", spec_of(MapType::kLpmTrie, 20, 4, 100, kMapNoPrealloc), lpm_key, any_value, plain<LpmOracle>},
      {"lpm_byte", spec_of(MapType::kLpmTrie, 5, 3, 20, kMapNoPrealloc), lpm_key, any_value, plain<LpmOracle>},
      {"lpm_wide", spec_of(MapType::kLpmTrie, 260, 1, 50, kMapNoPrealloc), lpm_key, any_value, plain<LpmOracle>},
      {"prog_array", spec_of(MapType::kProgArray, 4, 4, 8), small_index, number_value, prog_array_oracle, true},
      {"array_of_maps", of_maps(MapType::kArrayOfMaps, 4, 8), small_index, number_value, prog_array_oracle, true},
      {"hash_of_maps", of_maps(MapType::kHashOfMaps, 4, 12), hash_key, number_value, hash_oracle},
      {"hash_of_maps_wide", of_maps(MapType::kHashOfMaps, 17, 90), hash_key, number_value, hash_oracle},
      {"devmap", spec_of(MapType::kDevmap, 4, 4, 8), small_index, ifindex_value, devmap_oracle, true},
      {"devmap_wide", spec_of(MapType::kDevmap, 4, 8, 8), small_index, ifindex_value, devmap_oracle, true},
      {"cpumap", spec_of(MapType::kCpumap, 4, 4, 8), small_index, waiting_value, plain<CpumapOracle>, true},
      {"cpumap_wide", spec_of(MapType::kCpumap, 4, 8, 2), small_index, waiting_value, plain<CpumapOracle>, true},
      {"devmap_hash", spec_of(MapType::kDevmapHash, 4, 4, 12), any_u32, ifindex_value, plain<DevmapHashOracle>},
      {"devmap_hash_wide", spec_of(MapType::kDevmapHash, 4, 8, 8), any_u32, ifindex_value, plain<DevmapHashOracle>},
  };
  return all;
}

const std::vector<Case>& queue_cases() {
  static const std::vector<Case> all = {
      {"queue", spec_of(MapType::kQueue, 0, 8, 16), nullptr, any_value},
      {"queue_one", spec_of(MapType::kQueue, 0, 1, 1), nullptr, any_value},
      {"queue_odd", spec_of(MapType::kQueue, 0, 13, 7), nullptr, any_value},
      {"stack", spec_of(MapType::kStack, 0, 8, 16), nullptr, any_value},
      {"stack_one", spec_of(MapType::kStack, 0, 3, 1), nullptr, any_value},
      {"stack_odd", spec_of(MapType::kStack, 0, 100, 5), nullptr, any_value},
  };
  return all;
}

std::unique_ptr<Map> make(const Case& test) {
  Result<std::unique_ptr<Map>> map = make_map(test.spec, kCpus);
  SLUICE_CHECK(map.has_value());
  return std::move(*map);
}

Bytes transfer_value(const Map& map, const Case& test, Random& random) {
  Bytes all = test.value(random, test.spec.value_size);
  if (!map.is_percpu()) return all;
  all.resize(map.transfer_size());
  for (unsigned cpu = 0; cpu < map.cpus(); ++cpu) {
    const Bytes one = test.value(random, map.percpu_stride());
    std::ranges::copy(one, all.begin() + cpu * map.percpu_stride());
  }
  return all;
}

int put(Map& map, const Bytes& key, const Bytes& value, std::uint64_t mode) {
  if (auto* const of_maps = dynamic_cast<MapOfMaps*>(&map)) return put_map(*of_maps, key, value, mode);
  auto* const programs = dynamic_cast<ProgArray*>(&map);
  if (programs == nullptr) return map.write(key.data(), value.data(), static_cast<UpdateMode>(mode));
  if (mode != 0) return map.update(key.data(), value.data(), static_cast<UpdateMode>(mode), 0);
  static const VerifiedProgram program = testing_support::unverified("mov r0, 2\nexit", xdp_type());
  static const std::array<ProgramSlot, 5> slots{
      ProgramSlot{&program, nullptr, nullptr, 0}, ProgramSlot{&program, nullptr, nullptr, 0},
      ProgramSlot{&program, nullptr, nullptr, 1}, ProgramSlot{&program, nullptr, nullptr, 2},
      ProgramSlot{&program, nullptr, nullptr, 3}};
  return programs->set(index_in(key), &slots.at(index_in(value)));
}

std::vector<Bytes> walk(const Map& map) {
  std::vector<Bytes> keys;
  Bytes next(map.spec().key_size);
  bool more = map.next_key(nullptr, next.data());
  while (more && keys.size() < 100'000) {
    keys.push_back(next);
    more = map.next_key(keys.back().data(), next.data());
  }
  SLUICE_CHECK(!more);
  return keys;
}

}  // namespace sluice::vm::testing
