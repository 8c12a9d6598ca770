// The keys of `fib:`.
#include <array>

#include "dataplane/config/resolve.h"
#include "dataplane/config/rows.h"

namespace sluice::config {
namespace {

using Kind = Shape::Kind;

constexpr Row kFibPortRows[] = {
    {"mac", kMac, put_mac<&FibPort::mac>, "Address that look-ups name as the sender's.", "the port's `mac`"},
    {"forward_ipv4", kTrueOrFalse, put_bool<&FibPort::forward_ipv4>, "Whether IPv4 that comes in here is forwarded.",
     "true"},
    {"forward_ipv6", kTrueOrFalse, put_bool<&FibPort::forward_ipv6>, "Whether IPv6 that comes in here is forwarded.",
     "true"},
};

constexpr Shape kIpAddress{.kind = Kind::kSpecial,
                           .json = R"({"type": "string"})",
                           .words = "an IP address such as 192.0.2.1 or \"2001:db8::1\""};

template <auto Member>
void put_ip(Builder& b, const Value& value, const Row& row, void* target) {
  const auto text = b.text(value, row.shape);
  if (!text) return;
  if (const auto address = ip_address(text->value)) {
    member_of<Member>(target) = *address;
  } else {
    b.error(value.mark, "config-range", fmt::format("'{}' is not {}", text->value, row.shape.words));
  }
}

// Bits of an address behind the first `bits`.
bool has_bits_beyond(const IpAddress& address, unsigned bits) {
  for (unsigned bit = bits; bit < (address.is_ipv6 ? 128U : 32U); ++bit) {
    if ((address.bytes[bit / 8] >> (7 - bit % 8) & 1) != 0) return true;
  }
  return false;
}

void put_prefix(Builder& b, const Value& value, const Row& row, void* target) {
  const auto text = b.text(value, row.shape);
  if (!text) return;
  auto* const route = static_cast<FibRoute*>(target);
  const std::size_t slash = text->value.find('/');
  const auto address = ip_address(std::string_view(text->value).substr(0, slash));
  std::string why;
  const Value length{.kind = Value::Kind::kScalar,
                     .scalar = slash == std::string::npos ? std::string() : text->value.substr(slash + 1)};
  const auto bits = whole_number(length, why);
  if (!address || !bits || *bits > (address->is_ipv6 ? 128U : 32U)) {
    b.error(value.mark, "config-range", fmt::format("'{}' is not {}", text->value, row.shape.words));
  } else if (has_bits_beyond(*address, static_cast<unsigned>(*bits))) {
    b.error(value.mark, "config-range", fmt::format("'{}' has bits beyond its prefix", text->value));
  } else {
    route->to = *address;
    route->bits = static_cast<unsigned>(*bits);
  }
}

constexpr std::array<std::string_view, 5> kRouteTypes = {"unicast", "local", "blackhole", "unreachable", "prohibit"};
constexpr Row kFibRouteRows[] = {
    {"to",
     {.kind = Kind::kSpecial,
      .json = R"({"type": "string", "pattern": "/[0-9]+$"})",
      .words = "a prefix such as 192.0.2.0/24 or \"2001:db8::/32\""},
     put_prefix,
     "Destinations.",
     "",
     true},
    {"port", kAnyText, put_text<&FibRoute::port>, "Where packets leave.", "required of unicast routes"},
    {"via", kIpAddress, put_ip<&FibRoute::via>, "Gateway; of IPv4 routes it may be an IPv6 address.",
     "the destination itself"},
    {"src", kIpAddress, put_ip<&FibRoute::source>, "What BPF_FIB_LOOKUP_SRC gives.",
     "0.0.0.0; IPv6 look-ups find none"},
    {"metric", number_from(0, 0xffffffff), put_number<&FibRoute::metric>, "Of routes to one prefix the lowest counts.",
     "0, for IPv6 1024"},
    {"table", number_from(1, 0xffffffff), put_number<&FibRoute::table>,
     "Table, for BPF_FIB_LOOKUP_TBID; look-ups without it ask 254, IPv6's 255 first, IPv4's 253 last.",
     "254, 255 for local ones"},
    {"type", one_of(kRouteTypes), put_choice<&FibRoute::type>,
     "What happens to packets: `local` ones are the host's own, and broadcast.", "unicast"},
};

// What the keys of a route say together. `at` is the route's place.
void check_route(Builder& b, const FibRoute& route, const Mark& at) {
  const bool unicast = route.type == FibRoute::Type::kUnicast;
  if (unicast && route.port.value.empty()) b.error(at, "config-missing", "key 'port' is missing; expected a port");
  if (!unicast && route.via) b.error(at, "config-conflict", "only unicast routes have a gateway");
  if (route.via && route.to.is_ipv6 && !route.via->is_ipv6) {
    b.error(at, "config-conflict", "the gateway of an IPv6 route is an IPv6 address");
  }
  if (route.source && route.to.is_ipv6 != route.source->is_ipv6) {
    b.error(at, "config-conflict", "'src' is of another family than 'to'");
  }
}

void put_routes(Builder& b, const Value& value, const Row& row, void* target) {
  b.list(value, [&](const Value& item) {
    FibRoute& made = static_cast<Fib*>(target)->routes.emplace_back();
    made.mark = item.mark;
    b.object(item, row.shape.rows, &made);
    if (item.kind == Value::Kind::kMapping && item.find("to") != nullptr) check_route(b, made, item.mark);
  });
}

constexpr Row kFibNeighbourRows[] = {
    {"address", kIpAddress, put_ip<&FibNeighbour::address>, "IP address.", "", true},
    {"port", kAnyText, put_text<&FibNeighbour::port>, "Where it is.", "", true},
    {"mac", kMac, put_mac<&FibNeighbour::mac>, "Its MAC address.", "", true},
};

void put_neighbours(Builder& b, const Value& value, const Row& row, void* target) {
  b.list(value, [&](const Value& item) {
    FibNeighbour& made = static_cast<Fib*>(target)->neighbours.emplace_back();
    made.mark = item.mark;
    b.object(item, row.shape.rows, &made);
  });
}

}  // namespace

constinit const Row kFibRows[3] = {
    {"ports", named(kFibPortRows), put_named<&Fib::ports>, "Ports by name.", ""},
    {"routes", {.kind = Kind::kList, .rows = kFibRouteRows}, put_routes, "Routes; the longest prefix counts.", ""},
    {"neighbours",
     {.kind = Kind::kList, .rows = kFibNeighbourRows},
     put_neighbours,
     "Who is on the links, whose MAC addresses look-ups give.",
     ""},
};

}  // namespace sluice::config
