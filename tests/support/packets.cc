#include "tests/support/packets.h"

#include <algorithm>
#include <random>

namespace sluice::testing_support {
namespace {

void append(Bytes& to, const Bytes& what) { to.insert(to.end(), what.begin(), what.end()); }

std::uint16_t checksum(const Bytes& header) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i + 1 < header.size(); i += 2) {
    sum += std::to_integer<std::uint32_t>(header[i]) << 8 | std::to_integer<std::uint32_t>(header[i + 1]);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

Bytes filler(std::size_t size) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::byte>(i * 7 + 3);
  return out;
}

Frame to_b() { return {kHostB, kHostA}; }

class Collector {
 public:
  void add(std::string name, Bytes bytes) { packets_.push_back({std::move(name), std::move(bytes)}); }
  void add(std::string name, const Frame& frame) { add(std::move(name), frame.bytes()); }
  std::vector<Packet> take() { return std::move(packets_); }
  [[nodiscard]] const std::vector<Packet>& packets() const { return packets_; }

 private:
  std::vector<Packet> packets_;
};

// Every payload behind every number of VLAN tags.
void add_tagged(Collector& all) {
  const auto frame = [](unsigned tags) {
    Frame f = to_b();
    if (tags > 0) f.vlan(5, tags > 1 ? 0x88a8 : 0x8100);
    if (tags > 1) f.vlan(6);
    if (tags > 2) f.vlan(7);
    return f;
  };
  for (unsigned tags = 0; tags < 4; ++tags) {
    const std::string tail = " tags " + std::to_string(tags);
    all.add("tcp syn" + tail, frame(tags).ipv4({.protocol = 6}, tcp(1000, 80, kSyn)));
    all.add("tcp ack" + tail, frame(tags).ipv4({.protocol = 6}, tcp(1001, 80, kAck)));
    all.add("udp" + tail, frame(tags).ipv4({}, udp(1002, 53)));
    all.add("icmp" + tail, frame(tags).ipv4({.protocol = 1}, filler(24)));
    all.add("tcp6 syn" + tail, frame(tags).ipv6(ip6(0, 1), ip6(1, 1), 6, tcp(1003, 80, kSyn)));
    all.add("udp6" + tail, frame(tags).ipv6(ip6(0, 1), ip6(1, 1), 17, udp(1004, 53)));
    all.add("icmp6" + tail, frame(tags).ipv6(ip6(0, 1), ip6(1, 1), 58, filler(24)));
    all.add("arp" + tail, frame(tags).type(0x0806).raw(filler(28)));
    all.add("lldp" + tail, frame(tags).type(0x88cc).raw(filler(46)));
  }
}

// Tags in the other order, and TCP over IPv6 as it is not at the start of a flow.
void add_tagged_oddly(Collector& all) {
  all.add("tags the wrong way round", to_b().vlan(5).vlan(6, 0x88a8).ipv4({}, udp(1010, 53)));
  for (const std::uint8_t flags : {kAck, static_cast<std::uint8_t>(kSyn | kAck)}) {
    all.add("tcp6 flags " + std::to_string(flags), to_b().ipv6(ip6(0, 1), ip6(1, 1), 6, tcp(1011, 80, flags)));
  }
}

// Headers cut off at every length.
void add_short(Collector& all) {
  const Bytes tcp4 = to_b().ipv4({.protocol = 6}, tcp(1100, 80, kSyn, 0)).bytes();
  const Bytes udp6 = to_b().ipv6(ip6(0, 1), ip6(1, 1), 17, udp(1101, 53, 0)).bytes();
  const Bytes tcp6 = to_b().ipv6(ip6(0, 1), ip6(1, 1), 6, tcp(1103, 80, kSyn, 0)).bytes();
  const Bytes vlan = to_b().vlan(5).vlan(6).ipv4({}, udp(1102, 53, 0)).bytes();
  const auto cut = [&all](const std::string& name, const Bytes& bytes, std::size_t step) {
    for (std::size_t size = 14; size <= bytes.size(); size += step) {
      all.add(name + " cut to " + std::to_string(size),
              Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)));
    }
  };
  cut("tcp", tcp4, 2);
  cut("udp6", udp6, 3);
  cut("tcp6", tcp6, 5);
  cut("vlans", vlan, 2);
}

void add_odd_ip(Collector& all) {
  for (const std::uint8_t words : {0, 4, 6, 8, 15}) {
    all.add("header of " + std::to_string(words) + " words",
            to_b().ipv4({.protocol = 6, .words = words}, tcp(1200, 80, kSyn)));
  }
  all.add("version 5", to_b().ipv4({.version = 5}, udp(1201, 53)));
  all.add("version 4 in IPv6", to_b().type(0x86dd).raw(filler(60)));
  for (const std::uint16_t fragment : {0x2000, 0x2001, 0x0001, 0x1fff, 0x4000, 0x6000}) {
    all.add("fragment " + std::to_string(fragment), to_b().ipv4({.fragment = fragment}, udp(1202, 53)));
    all.add("tcp fragment " + std::to_string(fragment),
            to_b().ipv4({.protocol = 6, .fragment = fragment}, tcp(1203, 80, kAck)));
  }
  for (const std::uint8_t ttl : {0, 1, 2, 255}) {
    all.add("ttl " + std::to_string(ttl), to_b().ipv4({.ttl = ttl}, udp(1204, 53)));
    all.add("hops " + std::to_string(ttl), to_b().ipv6(ip6(0, 1), ip6(1, 1), 17, udp(1205, 53), ttl));
    all.add("vip ttl " + std::to_string(ttl),
            to_b().ipv4({.destination = ip4(203, 0, 113, 10), .ttl = ttl}, udp(1206, 53)));
  }
  for (const int check : {0, 1, 0xfefe, 0xfeff, 0xff00, 0xfffe, 0xffff}) {  // where RFC 1624 carries
    all.add("checksum " + std::to_string(check), to_b().ipv4({.check = check}, udp(1207, 53)));
  }
}

void add_addresses(Collector& all) {
  const std::uint32_t sources[] = {ip4(10, 0, 0, 1), ip4(192, 0, 2, 1), ip4(192, 0, 2, 2), ip4(198, 51, 100, 7)};
  const std::uint32_t targets[] = {ip4(10, 1, 0, 9), ip4(10, 1, 2, 3), ip4(10, 1, 3, 3),
                                   ip4(10, 2, 0, 1), ip4(9, 9, 9, 9),  ip4(203, 0, 113, 10)};
  std::uint16_t port = 2000;
  for (const std::uint32_t source : sources) {
    for (const std::uint32_t target : targets) {
      const std::string name = std::to_string(source) + " to " + std::to_string(target);
      all.add("udp " + name, to_b().ipv4({.source = source, .destination = target}, udp(port++, 53)));
      all.add("tcp " + name,
              to_b().ipv4({.source = source, .destination = target, .protocol = 6}, tcp(port++, 80, kSyn)));
    }
  }
  for (std::uint8_t net = 1; net < 5; ++net) {
    all.add("net6 " + std::to_string(net), to_b().ipv6(ip6(0, 1), ip6(net, 1), 17, udp(port++, 53)));
  }
  for (const std::uint16_t service : {80, 81, 82, 443, 53}) {
    for (unsigned client = 0; client < 4; ++client) {
      all.add("vip port " + std::to_string(service) + " client " + std::to_string(client),
              to_b().ipv4({.source = ip4(10, 0, 7, 1), .destination = ip4(203, 0, 113, 10), .protocol = 6, .tos = 8},
                          tcp(static_cast<std::uint16_t>(3000 + client), service, client == 3 ? kAck : kSyn)));
    }
  }
}

// Flows again and backwards, stations moving, floods.
void add_history(Collector& all) {
  for (unsigned again = 0; again < 3; ++again) {
    all.add("flow, time " + std::to_string(again), to_b().ipv4({.protocol = 6}, tcp(4000, 80, again ? kAck : kSyn)));
  }
  all.add("flow backwards",
          Frame(kHostA, kHostB)
              .ipv4({.source = ip4(10, 1, 0, 1), .destination = ip4(10, 0, 0, 1), .protocol = 6}, tcp(80, 4000, kAck)));
  for (std::uint16_t i = 0; i < 6; ++i) {
    all.add("syn " + std::to_string(i), to_b().ipv4({.source = ip4(10, 0, 0, 66), .protocol = 6},
                                                    tcp(static_cast<std::uint16_t>(5000 + i), 80, kSyn)));
  }
  const Mac group = {1, 0, 0x5e, 0, 0, 1};
  const Mac everyone = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  all.add("to everyone", Frame(everyone, kHostA).type(0x0806).raw(filler(28)));
  all.add("to a group", Frame(group, kHostA).ipv4({}, udp(1300, 53)));
  all.add("from a group", Frame(kHostB, group).ipv4({}, udp(1301, 53)));
  for (const Mac& source : {kHostA, kHostB, kHostC}) {
    for (const Mac& target : {kHostA, kHostB, kHostC}) {
      for (const bool tagged : {false, true}) {
        Frame frame(target, source);
        if (tagged) frame.vlan(5);
        all.add("station to station", frame.ipv4({}, udp(1302, 53)));
      }
    }
  }
}

void add_long(Collector& all) {
  for (const std::size_t size : {600, 1500, 2000, 3400}) {
    all.add("payload of " + std::to_string(size),
            to_b().ipv4({.destination = ip4(203, 0, 113, 10)}, udp(1400, 53, size)));
  }
  Bytes longest = to_b().ipv4({}, udp(1401, 53, 3440)).bytes();
  longest.resize(3520);
  all.add("longest linear frame", longest);
}

// Random damage to what is there already.
void add_damaged(Collector& all) {
  std::mt19937 random(7);
  const std::size_t whole = all.packets().size();
  for (unsigned i = 0; i < 40; ++i) {
    Packet packet = all.packets()[random() % whole];
    for (unsigned n = 0; n < 3; ++n) {
      const std::size_t within = std::min<std::size_t>(packet.bytes.size(), 60);
      packet.bytes[random() % within] = static_cast<std::byte>(random());
    }
    all.add(packet.name + ", damaged", packet.bytes);
  }
}

}  // namespace

Frame::Frame(const Mac& destination, const Mac& source) : bytes_(pack(destination, source)) {}

Frame& Frame::type(std::uint16_t ether_type) { return raw(pack(be16(ether_type))); }

Frame& Frame::vlan(std::uint16_t id, std::uint16_t tpid) { return raw(pack(be16(tpid), be16(id))); }

Frame& Frame::ipv4(const Ip4Header& header, const Bytes& payload) {
  type(0x0800);
  const std::size_t size = std::max<std::size_t>(header.words, 5) * 4;
  Bytes ip = pack(static_cast<std::uint8_t>(header.version << 4 | header.words), header.tos,
                  be16(static_cast<std::uint16_t>(size + payload.size())), be16(0x1234), be16(header.fragment),
                  header.ttl, header.protocol, std::uint16_t{0}, header.source, header.destination);
  ip.resize(size, std::byte{1});  // no-operation options
  const auto check = header.check < 0 ? be16(checksum(ip)) : static_cast<std::uint16_t>(header.check);
  const Bytes check_bytes = pack(check);
  std::ranges::copy(check_bytes, ip.begin() + 10);
  return raw(ip).raw(payload);
}

Frame& Frame::ipv6(const Ip6& source, const Ip6& destination, std::uint8_t next, const Bytes& payload,
                   std::uint8_t hops) {
  type(0x86dd);
  return raw(pack(be32(0x60000000), be16(static_cast<std::uint16_t>(payload.size())), next, hops, source, destination))
      .raw(payload);
}

Frame& Frame::raw(const Bytes& bytes) {
  append(bytes_, bytes);
  return *this;
}

Bytes tcp(std::uint16_t source, std::uint16_t destination, std::uint8_t flags, std::size_t payload) {
  Bytes out = pack(be16(source), be16(destination), be32(1), be32(2), std::uint8_t{0x50}, flags, be16(1024),
                   std::uint16_t{0}, std::uint16_t{0});
  append(out, filler(payload));
  return out;
}

Bytes udp(std::uint16_t source, std::uint16_t destination, std::size_t payload) {
  Bytes out = pack(be16(source), be16(destination), be16(static_cast<std::uint16_t>(8 + payload)), std::uint16_t{0});
  append(out, filler(payload));
  return out;
}

std::vector<Packet> all_packets() {
  Collector all;
  add_tagged(all);
  add_tagged_oddly(all);
  add_short(all);
  add_odd_ip(all);
  add_addresses(all);
  add_history(all);
  add_long(all);
  add_damaged(all);
  return all.take();
}

}  // namespace sluice::testing_support
