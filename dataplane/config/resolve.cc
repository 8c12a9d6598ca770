#include "dataplane/config/resolve.h"

#include <map>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "dataplane/config/builder.h"

namespace sluice::config {
namespace {

template <typename T>
std::vector<std::string_view> names_of(const std::vector<T>& all) {
  std::vector<std::string_view> out;
  for (const T& one : all) out.push_back(one.name.value);
  return out;
}

class Resolver {
 public:
  Resolver(Config& config, const Sources& sources, Diagnostics& diagnostics)
      : config_(config), sources_(sources), diagnostics_(diagnostics) {}

  void run() {
    ports();
    for (const Pipeline& pipeline : config_.pipelines) wiring(pipeline);
    attachments();
    for (const Map& map : config_.maps) map_references(map);
    fib();
    sockets();
  }

 private:
  void error(const Mark& mark, std::string code, std::string message) {
    if (diagnostics_.errors() > kMostMistakes) return;
    diagnostics_.add(sources_.at(mark, std::move(code), std::move(message)));
  }
  void unknown(const Text& name, std::string_view what, const std::string& where,
               std::span<const std::string_view> known) {
    std::string hint = did_you_mean(name.value, known);
    if (hint.empty())
      hint = known.empty() ? fmt::format("; no {} is declared", what) : fmt::format("; known: {}", some(known));
    error(name.mark, "config-name", fmt::format("{}: unknown {} '{}'{}", where, what, name.value, hint));
  }
  static std::string some(std::span<const std::string_view> known) {
    constexpr std::size_t kShown = 8;
    return fmt::format("{}{}", fmt::join(known.first(std::min(known.size(), kShown)), ", "),
                       known.size() > kShown ? ", ..." : "");
  }
  void need_program(const Text& name, const std::string& where) {
    if (name.value.empty() || config_.program(name.value) != nullptr) return;
    unknown(name, "program", where, names_of(config_.programs));
  }

  void ports();
  void wiring(const Pipeline& pipeline);
  void attachments();
  void attachment(const Attach& attach, std::size_t index);
  void map_references(const Map& map);
  void fib();
  void sockets();
  void need_port(const Text& name, const std::string& where);

  Config& config_;
  const Sources& sources_;
  Diagnostics& diagnostics_;
  std::map<std::pair<std::string, bool>, unsigned> attached_;  // port, is egress -> line
};

void Resolver::ports() {
  std::map<std::uint32_t, const Port*> taken;
  std::uint32_t place = 0;
  for (Port& port : config_.ports) {
    ++place;
    if (port.name.value == "drop") {
      error(port.name.mark, "config-name", "ports.drop: 'drop' means no port in 'on_pass'; choose another name");
    }
    if (port.ifindex == 0) {
      port.ifindex = place;
      port.ifindex_mark = port.mark;
    }
    const auto [first, is_new] = taken.emplace(port.ifindex, &port);
    if (!is_new) {
      error(port.ifindex_mark, "config-duplicate",
            fmt::format("ports.{}.ifindex: {} is that of port '{}' on line {} already", port.name.value, port.ifindex,
                        first->second->name.value, first->second->ifindex_mark.line));
    }
  }
}

void Resolver::wiring(const Pipeline& pipeline) {
  const std::string where = "pipelines." + pipeline.name.value;
  if (pipeline.chain.empty()) need_program(pipeline.entry, where + ".entry");
  for (std::size_t i = 0; i < pipeline.chain.size(); ++i) {
    need_program(pipeline.chain[i].program, fmt::format("{}.chain[{}]", where, i));
  }
  for (const auto& [array, slots] : pipeline.tail_calls) {
    for (const TailCall& call : slots) {
      need_program(call.program, fmt::format("{}.tail_calls.{}[{}]", where, array.value, call.slot.value));
    }
  }
  const std::string& to = pipeline.on_pass.value;
  if (to.empty() || to == "drop" || config_.port(to) != nullptr) return;
  std::vector<std::string_view> known = names_of(config_.ports);
  known.emplace_back("drop");
  unknown(pipeline.on_pass, "port", where + ".on_pass", known);
}

void Resolver::attachments() {
  for (std::size_t i = 0; i < config_.attach.size(); ++i) attachment(config_.attach[i], i);
}

void Resolver::attachment(const Attach& attach, std::size_t index) {
  const std::string where = fmt::format("attach[{}]", index);
  for (const Text& port : attach.ports) {
    if (config_.port(port.value) == nullptr) unknown(port, "port", where + ".ports", names_of(config_.ports));
  }
  for (const bool egress : {false, true}) {
    const Text& pipeline = egress ? attach.egress : attach.ingress;
    if (pipeline.value.empty()) continue;
    const std::string_view direction = egress ? "egress" : "ingress";
    if (config_.pipeline(pipeline.value) == nullptr) {
      unknown(pipeline, "pipeline", fmt::format("{}.{}", where, direction), names_of(config_.pipelines));
    }
    for (const Text& port : attach.ports) {
      const auto [first, is_new] = attached_.emplace(std::pair(port.value, egress), port.mark.line);
      if (!is_new) {
        error(port.mark, "config-duplicate",
              fmt::format("{}: port '{}' has an {} pipeline already, given on line {}", where, port.value, direction,
                          first->second));
      }
    }
  }
}

void Resolver::map_references(const Map& map) {
  std::set<std::string_view> sharing;
  for (const Text& program : map.shared_by) {
    const std::string where = fmt::format("maps.{}.shared_by", map.name.value);
    need_program(program, where);
    if (!sharing.insert(program.value).second) {
      error(program.mark, "config-duplicate", fmt::format("{}: '{}' is named twice", where, program.value));
    }
  }
  for (const MapEntry& entry : map.entries) need_program(entry.program, fmt::format("maps.{}.entries", map.name.value));
}

void Resolver::need_port(const Text& name, const std::string& where) {
  if (config_.port(name.value) == nullptr) unknown(name, "port", where, names_of(config_.ports));
}

void Resolver::fib() {
  std::set<std::string_view> addressed;
  for (const Port& port : config_.ports) {
    if (port.mac) addressed.insert(port.name.value);
  }
  for (const FibPort& port : config_.fib.ports) {
    need_port(port.name, "fib.ports");
    if (port.mac) addressed.insert(port.name.value);
  }
  using Key = std::tuple<std::uint32_t, std::array<std::uint8_t, 16>, bool, unsigned, std::uint32_t>;
  std::map<Key, unsigned> taken;
  for (std::size_t i = 0; i < config_.fib.routes.size(); ++i) {
    const FibRoute& route = config_.fib.routes[i];
    const std::string where = fmt::format("fib.routes[{}]", i);
    const std::string& port = route.port.value;
    if (!port.empty()) need_port(route.port, where + ".port");
    if (route.type == FibRoute::Type::kUnicast && config_.port(port) != nullptr && !addressed.contains(port)) {
      error(route.port.mark, "config-missing",
            fmt::format("{0}.port: nobody says the address of port '{1}'; give ports.{1}.mac or fib.ports.{1}.mac",
                        where, port));
    }
    const auto [first, is_new] =
        taken.emplace(Key{route.table.value_or(0), route.to.bytes, route.to.is_ipv6, route.bits,
                          route.metric.value_or(route.to.is_ipv6 ? kIpv6Metric : 0)},
                      route.mark.line);
    if (is_new) continue;
    error(route.mark, "config-duplicate",
          fmt::format("{}: line {} has a route to the same prefix with the same metric", where, first->second));
  }
  std::set<std::tuple<std::string_view, std::array<std::uint8_t, 16>, bool>> known;
  for (std::size_t i = 0; i < config_.fib.neighbours.size(); ++i) {
    const FibNeighbour& neighbour = config_.fib.neighbours[i];
    const std::string where = fmt::format("fib.neighbours[{}]", i);
    need_port(neighbour.port, where + ".port");
    if (known.emplace(neighbour.port.value, neighbour.address.bytes, neighbour.address.is_ipv6).second) continue;
    error(neighbour.mark, "config-duplicate", fmt::format("{}: this neighbour is named twice", where));
  }
}

void Resolver::sockets() {
  using Key = std::tuple<Socket::Protocol, std::array<std::uint8_t, 16>, bool, std::uint16_t,
                         std::array<std::uint8_t, 16>, std::uint16_t, std::string_view>;
  std::map<Key, unsigned> taken;
  for (std::size_t i = 0; i < config_.sockets.size(); ++i) {
    const Socket& socket = config_.sockets[i];
    const std::string where = fmt::format("sockets[{}]", i);
    if (!socket.port.value.empty()) need_port(socket.port, where + ".port");
    if (socket.local.port == 0) continue;  // it was not understood
    const Endpoint remote = socket.remote.value_or(Endpoint{});
    const auto [first, is_new] =
        taken.emplace(Key{socket.protocol, socket.local.address.bytes, socket.local.address.is_ipv6, socket.local.port,
                          remote.address.bytes, remote.port, socket.port.value},
                      socket.mark.line);
    if (is_new) continue;
    error(socket.mark, "config-duplicate",
          fmt::format("{}: line {} has a socket with the same addresses and ports", where, first->second));
  }
}

}  // namespace

void resolve(Config& config, const Sources& sources, Diagnostics& diagnostics) {
  Resolver(config, sources, diagnostics).run();
}

}  // namespace sluice::config
