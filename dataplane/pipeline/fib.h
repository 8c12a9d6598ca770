#pragma once
// The ports, routes and neighbours of one pipeline, from its configuration: what fib_lookup and check_mtu ask. Routes
// lie in one trie a table and family (vm/maps LPM_TRIE), so a look-up costs as the prefix is long. Constant once made:
// any thread.
#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "dataplane/config/config.h"
#include "vm/fib.h"
#include "vm/maps/map.h"

namespace sluice::pipeline {

class FibTables final : public vm::Fib {
 public:
  // `config` is resolved. Fails only when there are more routes than a trie can hold.
  static Result<std::unique_ptr<const FibTables>> make(const config::Config& config);

  [[nodiscard]] const vm::FibPort* port(std::uint32_t ifindex) const noexcept override;
  [[nodiscard]] const vm::FibRoute* route(vm::FibFamily family, std::uint32_t table, const vm::FibAddress& to,
                                          std::uint32_t through) const noexcept override;
  [[nodiscard]] const vm::MacAddress* neighbour(vm::FibFamily family, std::uint32_t ifindex,
                                                const vm::FibAddress& address) const noexcept override;

 private:
  // A prefix: its routes, by metric, and the next shorter prefix that covers it.
  struct Prefix {
    vm::FibAddress to{};
    std::uint32_t bits = 0;
    std::uint32_t first = 0, count = 0;  // in routes_
    std::int64_t parent = -1;            // in prefixes_
  };
  struct Table {
    vm::FibFamily family = vm::FibFamily::kIpv4;
    std::uint32_t number = 0;
    std::unique_ptr<vm::Map> trie;  // prefix -> index in prefixes_
  };
  struct Neighbour {
    vm::FibFamily family = vm::FibFamily::kIpv4;
    std::uint32_t ifindex = 0;
    vm::FibAddress address{};
    vm::MacAddress mac{};
  };

  FibTables() = default;
  void add_ports(const config::Config& config);
  Result<void> add_routes(const config::Config& config);
  Result<void> fill(Table& table, std::uint32_t first, std::uint32_t end);  // its prefixes
  [[nodiscard]] static std::int64_t find(const Table& table, const vm::FibAddress& to, std::uint32_t bits) noexcept;

  std::vector<vm::FibPort> ports_;     // by ifindex
  std::vector<vm::FibRoute> routes_;   // of one prefix side by side
  std::vector<Prefix> prefixes_;       // of one table side by side
  std::vector<Table> tables_;          // by family and number
  std::vector<Neighbour> neighbours_;  // by family, ifindex and address
};

}  // namespace sluice::pipeline
