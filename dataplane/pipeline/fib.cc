#include "dataplane/pipeline/fib.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <tuple>

#include "base/check.h"

namespace sluice::pipeline {
namespace {

using vm::FibFamily;

FibFamily family_of(const config::IpAddress& address) { return address.is_ipv6 ? FibFamily::kIpv6 : FibFamily::kIpv4; }

constexpr std::uint32_t bytes_of(FibFamily family) { return family == FibFamily::kIpv6 ? 16 : 4; }

// As in the kernel the local table of IPv4 is one with the main table.
constexpr std::uint32_t table_of(FibFamily family, std::uint32_t number) {
  return family == FibFamily::kIpv4 && number == vm::kLocalTable ? vm::kMainTable : number;
}

std::uint32_t table_of(const config::FibRoute& route) {
  const bool local = route.type == config::FibRoute::Type::kLocal;
  return table_of(family_of(route.to), route.table.value_or(local ? vm::kLocalTable : vm::kMainTable));
}

// The trie's key: bits, then the address.
using Key = std::array<std::byte, 20>;
Key key_of(const vm::FibAddress& to, std::uint32_t bits) noexcept {
  Key key;
  std::memcpy(key.data(), &bits, sizeof bits);
  std::memcpy(key.data() + sizeof bits, to.data(), to.size());
  return key;
}

}  // namespace

Result<std::unique_ptr<const FibTables>> FibTables::make(const config::Config& config) {
  std::unique_ptr<FibTables> made(new FibTables);
  made->add_ports(config);
  if (auto added = made->add_routes(config); !added) return std::move(added).error().in("fib");
  for (const config::FibNeighbour& one : config.fib.neighbours) {
    const config::Port* const port = config.port(one.port.value);
    SLUICE_CHECK(port != nullptr);
    made->neighbours_.push_back({family_of(one.address), port->ifindex, one.address.bytes, one.mac});
  }
  std::ranges::sort(made->neighbours_, {}, [](const Neighbour& n) { return std::tie(n.family, n.ifindex, n.address); });
  return std::unique_ptr<const FibTables>(std::move(made));
}

void FibTables::add_ports(const config::Config& config) {
  for (const config::Port& port : config.ports) {
    vm::FibPort made{.ifindex = port.ifindex, .mtu = port.mtu};
    if (port.mac) made.mac = *port.mac;
    for (const config::FibPort& more : config.fib.ports) {
      if (more.name.value != port.name.value) continue;
      if (more.mac) made.mac = *more.mac;
      made.forwards_ipv4 = more.forward_ipv4;
      made.forwards_ipv6 = more.forward_ipv6;
    }
    ports_.push_back(made);
  }
  std::ranges::sort(ports_, {}, &vm::FibPort::ifindex);
}

Result<void> FibTables::add_routes(const config::Config& config) {
  using Place = std::tuple<FibFamily, std::uint32_t, unsigned, vm::FibAddress, std::uint32_t>;
  std::multimap<Place, const config::FibRoute*> sorted;
  for (const config::FibRoute& route : config.fib.routes) {
    const std::uint32_t metric = route.metric.value_or(route.to.is_ipv6 ? config::kIpv6Metric : 0);
    sorted.emplace(Place{family_of(route.to), table_of(route), route.bits, route.to.bytes, metric}, &route);
  }
  std::vector<std::uint32_t> starts;  // of each table in prefixes_
  for (const auto& [place, route] : sorted) {
    const auto& [family, number, bits, to, metric] = place;
    if (tables_.empty() || tables_.back().family != family || tables_.back().number != number) {
      tables_.push_back({.family = family, .number = number, .trie = nullptr});
      starts.push_back(static_cast<std::uint32_t>(prefixes_.size()));
    }
    const bool same = prefixes_.size() > starts.back() && prefixes_.back().bits == bits && prefixes_.back().to == to;
    if (!same) prefixes_.push_back({.to = to, .bits = bits, .first = static_cast<std::uint32_t>(routes_.size())});
    prefixes_.back().count += 1;
    vm::FibRoute made{.type = static_cast<vm::FibRoute::Type>(route->type), .metric = metric};
    if (const config::Port* const out = config.port(route->port.value)) made.port = port(out->ifindex);
    if (route->via) {
      made.has_gateway = true;
      made.gateway_family = family_of(*route->via);
      made.gateway = route->via->bytes;
    }
    if (route->source) {
      made.has_source = true;
      made.source = route->source->bytes;
    }
    routes_.push_back(made);
  }
  starts.push_back(static_cast<std::uint32_t>(prefixes_.size()));
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    if (auto filled = fill(tables_[i], starts[i], starts[i + 1]); !filled) return filled;
  }
  return {};
}

// Shorter prefixes come first: what covers a prefix is in the trie before it.
Result<void> FibTables::fill(Table& table, std::uint32_t first, std::uint32_t end) {
  auto trie = vm::make_map({.name = "routes",
                            .type = vm::MapType::kLpmTrie,
                            .key_size = 4 + bytes_of(table.family),
                            .value_size = sizeof(std::uint32_t),
                            .max_entries = end - first,
                            .flags = vm::kMapNoPrealloc},
                           1);
  if (!trie) return std::move(trie).error();
  table.trie = std::move(*trie);
  for (std::uint32_t i = first; i < end; ++i) {
    Prefix& prefix = prefixes_[i];
    prefix.parent = find(table, prefix.to, prefix.bits);
    const Key key = key_of(prefix.to, prefix.bits);
    const int error = table.trie->update(key.data(), reinterpret_cast<const std::byte*>(&i), vm::UpdateMode::kAny, 0);
    SLUICE_CHECK(error == 0);
  }
  return {};
}

std::int64_t FibTables::find(const Table& table, const vm::FibAddress& to, std::uint32_t bits) noexcept {
  const Key key = key_of(to, bits);
  const std::byte* const value = table.trie->lookup(key.data(), 0);
  if (value == nullptr) return -1;
  std::uint32_t index = 0;
  std::memcpy(&index, value, sizeof index);
  return index;
}

const vm::FibPort* FibTables::port(std::uint32_t ifindex) const noexcept {
  const auto found = std::ranges::lower_bound(ports_, ifindex, {}, &vm::FibPort::ifindex);
  return found != ports_.end() && found->ifindex == ifindex ? &*found : nullptr;
}

const vm::FibRoute* FibTables::route(vm::FibFamily family, std::uint32_t table, const vm::FibAddress& to,
                                     std::uint32_t through) const noexcept {
  const std::uint32_t number = table_of(family, table);
  const auto found = std::ranges::lower_bound(tables_, std::pair(family, number), {},
                                              [](const Table& one) { return std::pair(one.family, one.number); });
  if (found == tables_.end() || found->family != family || found->number != number) return nullptr;
  for (std::int64_t at = find(*found, to, bytes_of(family) * 8); at >= 0;) {
    const Prefix& prefix = prefixes_[static_cast<std::size_t>(at)];
    for (std::uint32_t i = 0; i < prefix.count; ++i) {
      const vm::FibRoute& route = routes_[prefix.first + i];
      const bool leaves = route.type == vm::FibRoute::Type::kUnicast || route.type == vm::FibRoute::Type::kLocal;
      if (through == 0 || !leaves || (route.port != nullptr && route.port->ifindex == through)) return &route;
    }
    at = prefix.parent;
  }
  return nullptr;
}

const vm::MacAddress* FibTables::neighbour(vm::FibFamily family, std::uint32_t ifindex,
                                           const vm::FibAddress& address) const noexcept {
  const auto wanted = std::tie(family, ifindex, address);
  const auto found = std::ranges::lower_bound(
      neighbours_, wanted, {}, [](const Neighbour& n) { return std::tie(n.family, n.ifindex, n.address); });
  if (found == neighbours_.end() || std::tie(found->family, found->ifindex, found->address) != wanted) return nullptr;
  return &found->mac;
}

}  // namespace sluice::pipeline
