#include "tests/packaged/frames.h"

#include <algorithm>
#include <filesystem>

#include "dataplane/replay/reader.h"
#include "tests/support/packets.h"

namespace sluice::kernel {
namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace): packet literals

constexpr std::size_t kOfShipped = 12;  // frames of each shipped capture
constexpr std::uint8_t kTcp = 6, kUdp = 17, kIcmp = 1, kIcmp6 = 58;
// Bits of the TCP header.
constexpr std::uint8_t kFin = 0x01, kRst = 0x04;

Frame frame() { return {kHostB, kHostA}; }

Bytes joined(Bytes first, const Bytes& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

Bytes icmp(std::uint8_t type, std::uint8_t code, std::uint16_t id, std::uint16_t sequence, const Bytes& rest) {
  return joined(pack(type, code, std::uint16_t{0}, be16(id), be16(sequence)), rest);
}

class Frames {
 public:
  void add(const Frame& frame, Bytes metadata = {}) { add(frame.bytes(), std::move(metadata)); }
  void add(Bytes bytes, Bytes metadata = {}) { inputs_.push_back({std::move(metadata), std::move(bytes)}); }

  void tunnels() {
    const Bytes inner = Frame({}, {}).ipv4({.protocol = kTcp}, tcp(6000, 80, kSyn)).bytes();
    const Bytes inner6 = Frame({}, {}).ipv6(ip6(0, 1), ip6(1, 1), kUdp, udp(6001, 53)).bytes();
    const Bytes ip(inner.begin() + 14, inner.end());
    const Bytes ip_6(inner6.begin() + 14, inner6.end());
    for (const std::uint32_t target : {ip4(10, 1, 0, 1), ip4(203, 0, 113, 10), ip4(192, 0, 2, 1)}) {
      add(frame().ipv4({.destination = target, .protocol = 4}, ip));
      add(frame().ipv4({.destination = target, .protocol = 41}, ip_6));
      add(frame().ipv4({.destination = target, .protocol = 47}, joined(pack(be16(0), be16(0x0800)), ip)));
      add(frame().ipv4({.destination = target, .protocol = 47},
                       joined(pack(be16(0x2000), be16(0x86dd), be32(7)), ip_6)));
      add(frame().ipv4({.destination = target, .protocol = kUdp}, joined(udp(6081, 4789, 8), inner)));
    }
    add(frame().ipv6(ip6(0, 1), ip6(1, 1), 4, ip));
    add(frame().ipv6(ip6(0, 1), ip6(1, 1), 41, ip_6));
    add(frame().ipv6(ip6(0, 1), ip6(1, 1), 41, Bytes(ip_6.begin(), ip_6.begin() + 20)));
    add(frame().type(0x8847).raw(joined(pack(be32(0x000641ff)), ip)));                    // MPLS
    add(frame().type(0x8864).raw(joined(pack(be32(0x11000001), be32(0x00280021)), ip)));  // PPPoE
  }

  void extensions() {
    const auto header = [](std::uint8_t next, std::uint8_t words) {
      Bytes out = pack(next, words);
      out.resize(8U + words * 8U, std::byte{0});
      return out;
    };
    const Bytes segment = tcp(6100, 80, kSyn);
    const Bytes datagram = udp(6101, 53);
    for (const std::uint8_t kind : {0, 43, 60, 51, 135}) {
      add(frame().ipv6(ip6(0, 1), ip6(1, 1), kind, joined(header(kTcp, 0), segment)));
      add(frame().ipv6(ip6(0, 1), ip6(1, 1), kind, joined(header(kUdp, 2), datagram)));
      add(frame().ipv6(ip6(0, 1), ip6(1, 1), kind, header(kTcp, 30)));  // says more than there is of what follows
    }
    add(frame().ipv6(ip6(0, 1), ip6(1, 1), 0,
                     joined(header(43, 0), joined(header(60, 1), joined(header(kUdp, 0), datagram)))));
    for (const std::uint16_t fragment : {0x0001, 0x0008, 0x0009, 0x1000}) {
      add(frame().ipv6(ip6(0, 1), ip6(1, 1), 44,
                       joined(pack(kUdp, std::uint8_t{0}, be16(fragment), be32(9)), datagram)));
    }
    add(frame().ipv6(ip6(0, 1), ip6(1, 1), 59, {}));
    add(frame().ipv6(ip6(0, 1), ip6(1, 1), 132, Bytes(24)));
  }

  void control() {
    const Bytes quoted4 = frame().ipv4({.source = ip4(203, 0, 113, 10), .protocol = kTcp}, tcp(80, 6200, kAck)).bytes();
    const Bytes quoted6 = frame().ipv6(ip6(1, 1), ip6(0, 1), kTcp, tcp(80, 6201, kAck)).bytes();
    const Bytes quoted(quoted4.begin() + 14, quoted4.end());
    const Bytes quoted_6(quoted6.begin() + 14, quoted6.end());
    for (const std::uint32_t target : {ip4(10, 1, 0, 1), ip4(203, 0, 113, 10)}) {
      for (const std::uint8_t type : {0, 3, 8, 11, 13}) {
        add(frame().ipv4({.destination = target, .protocol = kIcmp}, icmp(type, 0, 77, 1, quoted)));
      }
      add(frame().ipv4({.destination = target, .protocol = kIcmp}, icmp(3, 4, 0, 1400, quoted)));
    }
    for (std::uint16_t sequence = 1; sequence < 14; ++sequence) {  // pings, and answers to them
      add(frame().ipv4({.protocol = kIcmp}, icmp(8, 0, 77, sequence, Bytes(56))));
      add(Frame(kHostA, kHostB)
              .ipv4({.source = ip4(10, 1, 0, 1), .destination = ip4(10, 0, 0, 1), .protocol = kIcmp},
                    icmp(0, 0, 77, sequence, Bytes(56))));
    }
    for (const std::uint8_t type : {1, 2, 3, 128, 129, 135, 136}) {
      add(frame().ipv6(ip6(0, 1), ip6(1, 1), kIcmp6, icmp(type, 0, 77, 1, quoted_6)));
    }
  }

  void transport() {
    for (const std::uint8_t flags :
         {kSyn, kAck, kFin, kRst, static_cast<std::uint8_t>(kSyn | kAck), std::uint8_t{0xff}, std::uint8_t{0}}) {
      add(frame().ipv4({.destination = ip4(203, 0, 113, 10), .protocol = kTcp}, tcp(6300, 80, flags, 0)));
      add(frame().ipv6(ip6(0, 1), ip6(1, 1), kTcp, tcp(6301, 80, flags, 0)));
    }
    for (const std::uint16_t port : {9, 22, 123, 443, 8080, 11211, 65535}) {
      add(frame().ipv4({}, udp(6302, port)));
      add(frame().ipv6(ip6(0, 1), ip6(1, 1), kUdp, udp(6303, port)));
      add(frame().ipv4({.protocol = kTcp}, tcp(port, port, kAck)));
    }
    for (const std::uint8_t protocol : {2, 50, 89, 103, 132, 136}) add(frame().ipv4({.protocol = protocol}, Bytes(32)));
    Bytes options = tcp(6304, 80, kSyn, 20);  // 40 bytes of header: MSS, window scale, SACK, time stamps
    options[12] = std::byte{0xa0};
    const Bytes kinds = pack(be32(0x020405b4), be32(0x04020103), be32(0x0303070a), be32(0x08060101), be32(0x01010100));
    std::ranges::copy(kinds, options.begin() + 20);
    add(frame().ipv4({.protocol = kTcp}, options));
    add(frame().ipv6(ip6(0, 1), ip6(1, 1), kTcp, options));
  }

  void tags() {
    for (const std::uint16_t id : {0, 1, 27, 50, 4011, 0x2fab, 4095}) {
      add(frame().vlan(id).ipv4({}, udp(6400, 53)));
      add(frame().vlan(id, 0x88a8).ipv6(ip6(0, 1), ip6(1, 1), kUdp, udp(6401, 53)));
      add(joined(frame().vlan(id).bytes(), Bytes(2)));  // ends behind the tag
    }
  }

  // What single programs look for.
  void marked() {
    const auto guided = [](std::uint16_t port, const Bytes& inner) {  // over UDP, as Generic UDP Encapsulation does
      Bytes payload = udp(6700, port, 0);
      payload.insert(payload.end(), inner.begin(), inner.end());
      return frame().ipv6(ip6(0, 1), ip6(1, 1), kUdp, payload);
    };
    for (const std::uint16_t port : {9, 80}) {
      const Bytes inner4 = Frame({}, {}).ipv4({.protocol = kTcp}, tcp(9, port, kSyn)).bytes();
      const Bytes inner6 = Frame({}, {}).ipv6(ip6(0, 1), ip6(1, 1), kTcp, tcp(9, port, kAck)).bytes();
      add(guided(6666, Bytes(inner4.begin() + 14, inner4.end())));
      add(guided(6666, Bytes(inner6.begin() + 14, inner6.end())));
      add(guided(6666, Bytes(inner6.begin() + 14, inner6.begin() + 24)));
    }
    add(guided(6666, {}));
    // Byte 62 is 0, and 0x42.
    add(frame().ipv6(ip6(0, 1), ip6(1, 1), kUdp, joined(udp(6701, 53, 0), Bytes(20))), pack(0x42U));
    add(frame().ipv6(ip6(0, 1), ip6(1, 1), kUdp, joined(udp(6701, 53, 0), Bytes(20, std::byte{0x42}))));
    // The first four bytes are an offset, where marks stand.
    for (const std::uint32_t offset : {20U, 3510U, 5000U, 9000U}) {
      Bytes bytes(9000, std::byte{0xaa});
      const Bytes head = pack(offset);
      std::ranges::copy(head, bytes.begin());
      add(bytes);
      bytes.resize(std::min<std::size_t>(offset + 40, 9000));
      add(bytes);
    }
  }

  void sizes() {
    for (const std::size_t size : {14,  15,  33,  34,   41,   42,   54,   60,   64,   128,  256,  262, 263,
                                   512, 600, 601, 1024, 1280, 1500, 1514, 2048, 3000, 3300, 3519, 3520}) {
      Bytes bytes = frame().ipv4({.protocol = kTcp}, tcp(6500, 80, kAck, 3600)).bytes();
      bytes.resize(size);
      add(bytes);
      bytes = frame().type(0x88b5).raw(Bytes(3600)).bytes();
      bytes.resize(size);
      add(bytes);
    }
    for (const std::size_t size : {3521, 4096, 9000}) {  // of several buffers: refused where the program takes none
      Bytes bytes = frame().ipv4({.protocol = kTcp}, tcp(6501, 80, kAck, 9000)).bytes();
      bytes.resize(size);
      add(bytes);
    }
  }

  void metadata() {
    for (const std::uint32_t word : {0x42U, 0U, 1U, 0x06'42U}) {
      const Bytes bytes = frame().ipv4({}, udp(6600, 53)).bytes();
      add(bytes, pack(word));
      add(bytes, pack(word, word));
      Bytes most = pack(word);
      most.resize(32);
      add(bytes, most);
    }
  }

  std::vector<Input> take() { return std::move(inputs_); }

 private:
  std::vector<Input> inputs_;
};

}  // namespace

std::vector<Input> captured_frames(const std::string& folder, std::size_t of_each) {
  std::vector<std::string> files;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, ignored)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  std::vector<Input> inputs;
  for (const std::string& file : files) {
    const auto reader = replay::open_capture(file);
    if (!reader) continue;  // of another link type, or no capture
    replay::Record record;
    for (std::size_t i = 0; i < of_each && (*reader)->next(record); ++i) {
      inputs.push_back({{}, Bytes(record.bytes.begin(), record.bytes.end())});
    }
  }
  return inputs;
}

std::vector<Input> made_frames(const std::string& pcaps) {
  Frames frames;
  for (const Packet& packet : all_packets()) frames.add(packet.bytes);
  frames.tunnels();
  frames.extensions();
  frames.control();
  frames.transport();
  frames.tags();
  frames.marked();
  frames.sizes();
  frames.metadata();
  std::vector<Input> inputs = frames.take();
  const std::vector<Input> shipped = captured_frames(pcaps, kOfShipped);
  inputs.insert(inputs.end(), shipped.begin(), shipped.end());
  return inputs;
}

}  // namespace sluice::kernel
