// The keys of an entry of `sockets:`.
#include <algorithm>
#include <array>
#include <span>

#include "dataplane/config/rows.h"

namespace sluice::config {
namespace {

using Kind = Shape::Kind;

constexpr Shape kEndpoint{.kind = Kind::kSpecial,
                          .json = R"({"type": "string", "pattern": ":[0-9]+$"})",
                          .words = "an address and a port such as \"192.0.2.1:80\" or \"[2001:db8::1]:80\""};

// "192.0.2.1:80" or "[2001:db8::1]:80"; the port is 1 to 65535.
std::optional<Endpoint> endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = ip_address(host);
  std::string why;
  const Value digits{.kind = Value::Kind::kScalar, .scalar = std::string(text.substr(colon + 1))};
  const auto port = whole_number(digits, why);
  if (!address || address->is_ipv6 != bracketed || !port || *port == 0 || *port > UINT16_MAX) return std::nullopt;
  return Endpoint{*address, static_cast<std::uint16_t>(*port)};
}

bool is_mapped(const IpAddress& address) {
  constexpr std::array<std::uint8_t, 12> kPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return address.is_ipv6 && std::ranges::equal(kPrefix, std::span(address.bytes).first<12>());
}

template <auto Member>
void put_endpoint(Builder& b, const Value& value, const Row& row, void* target) {
  const auto text = b.text(value, row.shape);
  if (!text) return;
  const auto found = endpoint(text->value);
  if (!found) {
    b.error(value.mark, "config-range", fmt::format("'{}' is not {}", text->value, row.shape.words));
  } else if (is_mapped(found->address)) {
    b.error(value.mark, "config-range", fmt::format("'{}' is an IPv4 address; write it as one", text->value));
  } else {
    member_of<Member>(target) = *found;
  }
}

void put_state(Builder& b, const Value& value, const Row& row, void* target) {
  if (const auto index = b.choice(value, row.shape)) {
    static_cast<Socket*>(target)->state = static_cast<Socket::State>(*index);
  }
}

constexpr std::array<std::string_view, 2> kProtocols = {"tcp", "udp"};
constexpr std::array<std::string_view, 10> kStates = {"listen",    "established", "syn_sent",   "syn_recv", "fin_wait1",
                                                      "fin_wait2", "time_wait",   "close_wait", "last_ack", "closing"};

bool is_any(const IpAddress& address) { return address.bytes == decltype(address.bytes){}; }

// What the keys of a socket say together. `at` is the socket's place.
void check_socket(Builder& b, const Socket& socket, const Mark& at) {
  const auto conflict = [&](const char* message) { b.error(at, "config-conflict", message); };
  const bool udp = socket.protocol == Socket::Protocol::kUdp;
  const bool listens = socket.state == Socket::State::kListen;
  if (udp && socket.state) conflict("UDP sockets have no 'state'");
  if (!udp && socket.remote && listens) conflict("a listener has no 'remote'");
  if (!udp && !socket.remote && socket.state && !listens) conflict("a connection has a 'remote'");
  if (socket.remote && socket.remote->address.is_ipv6 != socket.local.address.is_ipv6) {
    conflict("'remote' is of another family than 'local'");
  }
  if (socket.remote && is_any(socket.remote->address)) conflict("'remote' is no address of anybody's");
  if (socket.remote && is_any(socket.local.address)) conflict("a connection has an address of its own, 'local'");
  if (socket.ipv6_only && !(socket.local.address.is_ipv6 && is_any(socket.local.address))) {
    conflict("only sockets of [::] can be 'ipv6_only'");
  }
}

}  // namespace

constinit const Row kSocketRows[8] = {
    {"protocol", one_of(kProtocols), put_choice<&Socket::protocol>, "TCP or UDP.", "", true},
    {"local", kEndpoint, put_endpoint<&Socket::local>,
     "Its own address and port. 0.0.0.0 stands for every IPv4 address, [::] for every one at all, but see "
     "`ipv6_only`.",
     "", true},
    {"remote", kEndpoint, put_endpoint<&Socket::remote>, "Its peer's, of connections.", "none: it takes what comes"},
    {"state", one_of(kStates), put_state,
     "Of TCP. `sk_lookup_tcp` gives none in time_wait, and of a request (syn_recv) the listener.",
     "listen, of connections established"},
    {"port", kAnyText, put_text<&Socket::port>, "The port it is bound to: only frames that came in there find it.",
     "all"},
    {"mark", number_from(0, 0xffffffff), put_number<&Socket::so_mark>, "What programs read as its mark.", "0"},
    {"priority", number_from(0, 0xffffffff), put_number<&Socket::priority>, "What programs read as its priority.", "0"},
    {"ipv6_only", kTrueOrFalse, put_bool<&Socket::ipv6_only>, "Of [::]: IPv4 does not find it.", "false"},
};

void put_sockets(Builder& b, const Value& value, const Row& row, void* target) {
  b.list(value, [&](const Value& item) {
    Socket& made = static_cast<Config*>(target)->sockets.emplace_back();
    made.mark = item.mark;
    b.object(item, row.shape.rows, &made);
    // Without a local endpoint there is nothing to judge; that it is missing or wrong was said.
    if (item.kind == Value::Kind::kMapping && made.local.port != 0) check_socket(b, made, item.mark);
  });
}

}  // namespace sluice::config
