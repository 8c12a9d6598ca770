#include "tests/kernel/setups.h"

#include <random>

namespace sluice::kernel {
namespace {

using namespace testing_support;  // the packet literals

std::string own(const std::string& name) { return std::string(SLUICE_PROGRAMS) + "/" + name + ".bpf.o"; }
std::string object(const std::string& name) { return std::string(SLUICE_TEST_OBJECTS) + "/" + name + ".o"; }

std::vector<std::pair<Bytes, Bytes>> frames() {
  std::vector<std::pair<Bytes, Bytes>> inputs;
  for (Packet& packet : all_packets()) inputs.emplace_back(Bytes(), std::move(packet.bytes));
  return inputs;
}

std::uint32_t u32(std::uint32_t v) { return v; }
std::uint64_t u64(std::uint64_t v) { return v; }
std::uint8_t u8(unsigned v) { return static_cast<std::uint8_t>(v); }
std::uint16_t u16(unsigned v) { return static_cast<std::uint16_t>(v); }

constexpr std::uint32_t kLoopback = 1;  // the only interface every machine has

// --- programs/drop, the edge router's stages, alone and chained ---

Setup::Part firewall(bool default_deny, std::uint32_t inside, std::uint32_t syn_limit) {
  Setup::Part part{.name = "firewall", .path = own("firewall"), .programs = {"xdp_firewall"}};
  part.globals = {{"default_deny", pack(u8(default_deny ? 1 : 0))},
                  {"inside_ifindex", pack(inside)},
                  {"syn_pps_limit", pack(syn_limit)},
                  // The two sides read the clock one after the other: no window may end in between.
                  {"syn_window_ns", pack(u64(1) << 62)}};
  part.entries = {{"acl4", pack(u32(32), ip4(192, 0, 2, 1)), pack(u32(2))},
                  {"acl4", pack(u32(24), ip4(198, 51, 100, 0)), pack(u32(1))},
                  {"acl4", pack(u32(31), ip4(192, 0, 2, 2)), pack(u32(9))},
                  {"open_ports", pack(be16(80)), pack(u8(1))},
                  {"open_ports", pack(be16(53)), pack(u8(1))},
                  {"open_ports", pack(be16(81)), pack(u8(0))},
                  // A SYN bucket whose window has long passed, whatever the clock says.
                  {"syn_buckets", pack(ip4(10, 0, 0, 66)), pack(u64(1) << 63, u64(1000))}};
  return part;
}

Setup::Part router() {
  Setup::Part part{.name = "router", .path = own("router"), .programs = {"xdp_router"}};
  const auto route4 = [](std::uint32_t port) { return pack(ip4(10, 9, 9, 9), kHostC, kHostB, port); };
  const auto route6 = [](std::uint32_t port) { return pack(kHostC, kHostB, port); };
  part.entries = {{"routes4", pack(u32(16), ip4(10, 1, 0, 0)), route4(3)},
                  {"routes4", pack(u32(24), ip4(10, 1, 2, 0)), route4(4)},
                  {"routes4", pack(u32(24), ip4(10, 1, 3, 0)), route4(300)},
                  {"routes4", pack(u32(8), ip4(10, 0, 0, 0)), route4(0)},
                  {"routes4", pack(u32(32), ip4(203, 0, 113, 10)), route4(3)},
                  {"routes6", pack(u32(48), ip6(1, 0)), route6(3)},
                  {"routes6", pack(u32(48), ip6(2, 0)), route6(0)},
                  {"routes6", pack(u32(128), ip6(3, 1)), route6(4)}};
  return part;
}

Setup::Part count() {
  Setup::Part part{.name = "count", .path = own("count"), .programs = {"xdp_count"}};
  part.entries = {{"tx_ports", pack(u32(3)), pack(kLoopback)}};
  return part;
}

std::vector<Case::Clock> edge_clocks() { return {{"firewall.conntrack", 0, 8}, {"firewall.syn_buckets", 0, 8}}; }

Case edge(std::string name, bool default_deny, std::uint32_t inside, std::uint32_t syn_limit, bool chained) {
  Case made{.name = std::move(name), .inputs = frames(), .clocks = edge_clocks()};
  made.setup.parts = {firewall(default_deny, inside, syn_limit), router(), count()};
  if (chained) {
    made.setup.parts[0].slots = {{"stages", 1, "router", "xdp_router"}};
    made.setup.parts[1].slots = {{"stages", 2, "count", "xdp_count"}};
  }
  return made;
}

// Metadata as the firewall leaves it, and as it does not.
std::vector<std::pair<Bytes, Bytes>> with_metadata() {
  std::vector<std::pair<Bytes, Bytes>> inputs;
  unsigned n = 0;
  for (const Packet& packet : all_packets()) {
    const std::uint16_t family = n % 3 == 2 ? 0x86dd : 0x0800;
    const std::uint16_t offset = n % 17 == 16 ? 100 : u16(14 + 4 * (n % 7 == 6 ? 1 : 0));
    const Bytes metadata = pack(family, offset, u32(n % 5), u32(n % 2 == 0 ? 6 : 17));
    inputs.emplace_back(n % 13 == 12 ? Bytes() : metadata, packet.bytes);
    // The right family too, so that both branches see good headers.
    if (packet.bytes.size() > 14) {
      const auto type = std::to_integer<unsigned>(packet.bytes[12]) << 8 | std::to_integer<unsigned>(packet.bytes[13]);
      inputs.emplace_back(pack(u16(type), u16(14), u32(0), u32(17)), packet.bytes);
    }
    ++n;
  }
  return inputs;
}

void add_edge(std::vector<Case>& cases) {
  cases.push_back({.name = "drop", .setup = {{{"drop", own("drop"), {"xdp_drop"}}}}, .inputs = frames()});
  cases.push_back({.name = "pass", .setup = {{{"drop", own("drop"), {"xdp_pass"}}}}, .inputs = frames()});
  cases.push_back(edge("edge_outside", true, 0, 3, true));
  cases.push_back(edge("edge_inside", true, kLoopback, 3, true));
  cases.push_back(edge("edge_open", false, 0, 1000, true));
  cases.push_back(edge("edge_without_stages", false, 0, 1000, false));
  Case routing{.name = "router_alone", .inputs = with_metadata()};
  routing.setup.parts = {router(), count()};
  routing.setup.parts[0].slots = {{"stages", 2, "count", "xdp_count"}};
  cases.push_back(std::move(routing));
  Case ending{.name = "router_without_stages", .inputs = with_metadata()};
  ending.setup.parts = {router()};
  cases.push_back(std::move(ending));
  Case counting{.name = "count_alone", .inputs = with_metadata()};
  counting.setup.parts = {count()};
  cases.push_back(std::move(counting));
}

// --- programs/l2_switch ---

constexpr std::uint32_t kStations = 4096;  // max_entries of fdb

void add_switch(std::vector<Case>& cases) {
  Setup::Part part{.name = "switch", .path = own("l2_switch"), .programs = {"xdp_l2_switch"}};
  const std::vector<Case::Clock> clocks = {{"switch.fdb", 8, 8}};
  cases.push_back({.name = "switch_learning", .setup = {{part}}, .inputs = frames(), .clocks = clocks});
  part.entries = {{"tx_ports", pack(u32(3)), pack(kLoopback, u32(0))},
                  {"fdb", pack(kHostA, u16(0)), pack(u32(1), u32(0), u64(0))},
                  {"fdb", pack(kHostB, u16(0)), pack(u32(3), u32(0), u64(0))},
                  {"fdb", pack(kHostB, u16(5)), pack(u32(1), u32(0), u64(5))},
                  {"fdb", pack(kHostC, u16(5)), pack(u32(3), u32(0), u64(7))},
                  {"fdb", pack(kHostC, u16(0)), pack(u32(7), u32(0), u64(0))}};
  cases.push_back({.name = "switch_known_stations", .setup = {{part}}, .inputs = frames(), .clocks = clocks});
  part.entries.clear();
  for (std::uint32_t station = 0; station < kStations; ++station) {
    part.entries.push_back({"fdb", pack(station, u16(9), u16(9)), pack(u32(1), u32(0), u64(0))});
  }
  cases.push_back(
      {.name = "switch_full", .setup = {{part}}, .inputs = frames(), .clocks = clocks, .contents_every = 32});
}

// --- programs/balancer ---

Setup::Part balancer(std::uint32_t mtu) {
  Setup::Part part{.name = "balancer", .path = own("balancer"), .programs = {"xdp_balancer"}};
  const std::uint32_t vip = ip4(203, 0, 113, 10);
  part.globals = {{"own_addr", pack(ip4(172, 16, 0, 1))}, {"own_mac", pack(kHostB)}, {"backend_mtu", pack(mtu)}};
  const auto service = [vip](unsigned port, unsigned protocol, std::uint32_t index) {
    return Setup::Entry{"services", pack(vip, be16(u16(port)), u16(protocol)), pack(index)};
  };
  const auto flow = [vip](unsigned client, unsigned port) {
    return pack(ip4(10, 0, 7, 1), vip, be16(u16(client)), be16(u16(port)), u32(6));
  };
  part.entries = {service(80, 6, 0),
                  service(53, 17, 0),
                  service(81, 6, 1),
                  service(82, 6, 64),
                  {"backends", pack(u32(1)), pack(ip4(172, 16, 1, 1), kHostA, u16(1))},
                  {"backends", pack(u32(2)), pack(ip4(172, 16, 1, 2), kHostC, u16(1))},
                  {"backends", pack(u32(9)), pack(ip4(172, 16, 1, 9), kHostC, u16(0))},
                  {"flows", flow(3000, 80), pack(u32(9))},  // its backend is down
                  {"flows", flow(3001, 80), pack(u32(2))},
                  {"flows", flow(3002, 80), pack(u32(999))}};  // and this one does not exist
  for (std::uint32_t slot = 0; slot < 1024; ++slot) {
    part.entries.push_back({"ring", pack(slot), pack(u32(1 + slot % 2))});
    part.entries.push_back({"ring", pack(u32(1024 + slot)), pack(u32(slot % 2 == 0 ? 9 : 500))});
  }
  return part;
}

void add_balancer(std::vector<Case>& cases) {
  cases.push_back({.name = "balancer_mtu_1500", .setup = {{balancer(1500)}}, .inputs = frames()});
  cases.push_back({.name = "balancer_mtu_60", .setup = {{balancer(60)}}, .inputs = frames()});
  cases.push_back(
      {.name = "balancer_empty", .setup = {{{"balancer", own("balancer"), {"xdp_balancer"}}}}, .inputs = frames()});
}

// --- test objects ---

// A frame of `size` bytes that asks tests/objects/helpers.bpf.c for a call.
Bytes request(unsigned what, unsigned key, int amount, std::uint32_t value, std::size_t size) {
  Bytes frame = Frame(kHostB, kHostA).type(0x88b5).bytes();
  const Bytes body = pack(u8(what), u8(key), static_cast<std::int16_t>(amount), value);
  frame.insert(frame.end(), body.begin(), body.end());
  for (std::size_t i = frame.size(); i < size; ++i) frame.push_back(static_cast<std::byte>(i * 13 + 1));
  frame.resize(size);
  return frame;
}

std::vector<std::pair<Bytes, Bytes>> requests(const std::vector<std::size_t>& sizes) {
  std::vector<std::pair<Bytes, Bytes>> inputs;
  const auto ask = [&inputs, &sizes](unsigned what, unsigned key, int amount, std::uint32_t value) {
    for (const std::size_t size : sizes) inputs.emplace_back(Bytes(), request(what, key, amount, value, size));
  };
  for (const int n : {0, 1, 4, 8, 14, 20, 30, 46, 50, 60, 64, 216, 217, 256, 300, 400, 3400, 3456, 3520, 4000, 30000}) {
    for (const int amount : {n, -n}) {
      for (const unsigned what : {1U, 2U, 3U, 4U}) ask(what, 0, amount, 0);
      ask(8, 3, amount, 0x12345678);
      ask(10, 3, amount, 0xfffffffe);
    }
  }
  for (const std::uint32_t n : {0U, 1U, 14U, 50U, 56U, 60U, 64U, 92U, 96U, 97U, 0xffffU, 0x10000U, 0xffffffffU}) {
    ask(5, 0, 0, n);
    ask(6, 0, 0, n);
    ask(9, 0, 7, n);
  }
  ask(7, 0, 0, 0);
  ask(14, 0, 0, 0);
  ask(15, 0, 0, 0);
  for (unsigned what = 0; what < 256; ++what) ask(what, 1, 0, 1);  // every case of the switch and none
  for (const int flags : {0, 1, 2, 3, 4, 5, 8, 9, 16, 24, -1}) {
    ask(11, 0, flags, 1);
    ask(11, 0, flags, 77777);
    for (const unsigned key : {0U, 1U, 3U, 4U, 200U}) ask(12, key, flags, 0);
  }
  for (const unsigned key : {0U, 1U, 2U, 4U, 200U}) ask(13, key, 0, 0);
  for (unsigned base = 20; base < 60; base += 10) {
    for (const int flags : {0, 1, 2, 3, 4, 5, -1}) {
      for (const unsigned key : {0U, 3U, 4U, 5U, 200U}) {
        ask(base, key, 0, 0);
        ask(base + 1, key, flags, 1000 + key);
        ask(base, key, 0, 0);
      }
    }
    for (unsigned key = 10; key < 18; ++key) ask(base + 1, key, 0, key);  // more than fit
    for (const unsigned key : {10U, 11U, 10U, 99U, 3U}) ask(base + 2, key, 0, 0);
    for (unsigned key = 10; key < 14; ++key) ask(base, key, 0, 0);
  }
  for (const int flags : {0, 1, 2, 3, 4, -1}) {
    for (const unsigned prefix : {0U, 8U, 24U, 32U, 33U, 255U}) {
      for (const std::uint32_t address : {ip4(10, 0, 0, 1), ip4(10, 0, 1, 1), ip4(11, 0, 0, 1)}) {
        ask(61, prefix, flags, address);
        ask(60, 32, 0, address);
        ask(60, prefix, 0, address);
        ask(62, prefix, 0, address ^ 0x01000000);
      }
    }
  }
  return inputs;
}

Setup::Part helper_part(const std::string& path, const std::string& entry) {
  Setup::Part part{.name = "helpers", .path = path, .programs = {entry}};
  part.entries = {{"devices", pack(u32(1)), pack(kLoopback)}};
  return part;
}

void add_helpers(std::vector<Case>& cases) {
  for (const char* variant : {"c14.v1", "c19.v3", "c19.v4"}) {
    Setup::Part part = helper_part(object("helpers." + std::string(variant)), "one_helper");
    part.programs.emplace_back("tail_target");
    part.slots = {{"stages", 1, "helpers", "tail_target"}, {"stages", 2, "helpers", "one_helper"}};
    std::string name = "helpers_" + std::string(variant);
    name[name.find('.')] = '_';
    cases.push_back(
        {.name = name, .setup = {{part}}, .inputs = requests({14, 21, 22, 64, 100, 1500}), .contents_every = 8});
  }
  // Frames with frags; what moves the head or the tail across their border included.
  cases.push_back({.name = "helpers_frags",
                   .setup = {{helper_part(object("helpers.c19.v3"), "one_helper_frags")}},
                   .inputs = requests({14, 64, 3520, 3521, 4000, 9000}),
                   .contents_every = 8});
  Setup::Part loop = helper_part(object("helpers.c19.v3"), "tail_loop");
  loop.slots = {{"stages", 3, "helpers", "tail_loop"}};
  cases.push_back({.name = "tail_call_limit", .setup = {{loop}}, .inputs = requests({64})});
  cases.back().inputs.resize(5);
}

void add_arithmetic(std::vector<Case>& cases) {
  std::mt19937_64 random(11);
  const std::uint64_t odd[] = {0,
                               1,
                               2,
                               63,
                               64,
                               0x7fffffff,
                               0x80000000,
                               0xffffffff,
                               0x100000000,
                               0x7fffffffffffffff,
                               0x8000000000000000,
                               0xffffffffffffffff,
                               0xff80,
                               0x8000};
  std::vector<std::pair<Bytes, Bytes>> inputs;
  const auto add = [&inputs](std::uint64_t a, std::uint64_t b) {
    inputs.emplace_back(Bytes(), Frame(kHostB, kHostA).type(0x88b5).raw(pack(a, b)).bytes());
  };
  for (const std::uint64_t a : odd) {
    for (const std::uint64_t b : odd) add(a, b);
  }
  for (unsigned i = 0; i < 200; ++i) add(random(), random() >> (random() % 64));
  inputs.emplace_back(Bytes(), Frame(kHostB, kHostA).type(0x88b5).raw(pack(u64(1))).bytes());  // a number is missing
  for (const char* variant : {"c14_v1", "c14_v2", "c14_v3", "c19_v1", "c19_v2", "c19_v3", "c19_v4"}) {
    std::string path = variant;
    path[path.find('_')] = '.';
    cases.push_back({.name = "arithmetic_" + std::string(variant),
                     .setup = {{{"arithmetic", object("arithmetic." + path), {"calculate"}}}},
                     .inputs = inputs});
  }
}

// Frames that ask tests/objects/map_kinds.bpf.c for something: {what, number}.
void add_map_kinds(std::vector<Case>& cases) {
  Case kinds{.name = "map_kinds"};
  const auto ask = [&](unsigned what, unsigned number) {
    Bytes frame(64);
    frame[14] = static_cast<std::byte>(what);
    frame[15] = static_cast<std::byte>(number);
    kinds.inputs.push_back({{}, frame});
  };
  for (unsigned round = 0; round < 3; ++round) {
    for (const unsigned number : {0U, 7U, 8U, 9U, 200U}) ask(0, number);
  }
  for (const unsigned most : {2U, 9U, 5U}) {
    for (unsigned number = 0; number < most; ++number) ask(1, number * 5);
    for (unsigned turn = 0; turn < 4; ++turn) ask(2, 0);
  }
  for (unsigned number = 0; number < 50; ++number) ask(3, number % 40);
  for (unsigned number = 0; number < 200; number += 3) ask(4, number);
  for (unsigned number = 0; number < 4; ++number) ask(1, number * 5);  // these stay, to be compared
  ask(5, 0);
  kinds.inputs.push_back({{}, Bytes(15)});
  for (const std::string variant : {"c14.v1", "c19.v4"}) {
    Case one = kinds;
    one.name += "_" + variant.substr(0, 3) + "_" + variant.substr(4);
    one.setup.parts.push_back({.name = "kinds", .path = object("map_kinds." + variant), .programs = {"use_kinds"}});
    cases.push_back(std::move(one));
  }
}

// Records to both kinds of ring, until both are full.
void add_records(std::vector<Case>& cases) {
  for (const std::uint32_t rounds : {0U, 3U}) {
    Setup::Part part{
        .name = "records", .path = std::string(SLUICE_TEST_OBJECTS) + "/records.o", .programs = {"records"}};
    part.globals = {{"rounds", pack(rounds)}};
    Case one{.name = "records_" + std::to_string(rounds), .setup = {{part}}, .inputs = frames()};
    one.inputs.insert(one.inputs.end(), 120, {{}, Bytes(3000)});
    cases.push_back(std::move(one));
  }
}

void add_loader_objects(std::vector<Case>& cases) {
  for (const char* variant : {"c14.v1", "c19.v3"}) {
    std::string tail = std::string("_") + variant;
    tail[tail.find('.')] = '_';
    const auto add = [&](const std::string& stem, const std::string& program) {
      Setup::Part part{.name = stem, .path = object(stem + "." + variant), .programs = {program}};
      if (program == "use_maps") {  // libbpf fills the prog array as the object says; here the set-up has to
        part.programs.emplace_back("next_stage");
        part.slots.push_back({.map = "stages", .index = 1, .object = stem, .program = "next_stage"});
      }
      std::string name = program;
      name += tail;
      cases.push_back({.name = name, .setup = {{part}}, .inputs = frames()});
    };
    add("calls", "first");
    add("calls", "second");
    add("globals", "use_globals");
    add("maps", "use_maps");
    add("types", "use_types");
  }
}

}  // namespace

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  add_edge(cases);
  add_switch(cases);
  add_balancer(cases);
  add_helpers(cases);
  add_arithmetic(cases);
  add_map_kinds(cases);
  add_records(cases);
  add_loader_objects(cases);
  return cases;
}

}  // namespace sluice::kernel
