#pragma once
// A pipeline file as plain structs, each value with its place. Made by reader.cc (the only file that sees yaml-cpp),
// consumed by dataplane/pipeline. Everything here is syntactically valid and in range; whether names refer to something
// is checked by `resolve` (names inside the file) and by the loader (objects, programs, maps). Values.
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/diagnostics.h"

namespace sluice::config {

// Where a value stands. Diagnostics get the text of the line from Sources.
struct Mark {
  std::string file;
  unsigned line = 0;    // from 1
  unsigned column = 0;  // from 1
  unsigned width = 1;   // of the token
};

struct Text {
  std::string value;
  Mark mark;
};

struct Field;

// A piece of YAML whose meaning BTF decides later: map entries, globals.
struct Value {
  enum class Kind : std::uint8_t { kNull, kScalar, kSequence, kMapping } kind = Kind::kNull;
  std::string scalar;
  bool quoted = false;  // the scalar was in quotes: it is text, never a number or a bool
  std::vector<Value> items;
  std::vector<Field> fields;
  Mark mark;

  // The field called `name` of a mapping, or null.
  [[nodiscard]] const Value* find(std::string_view name) const noexcept;
};

struct Field {
  Value key, value;
};

struct Port {
  Text name;
  Text driver;                // "auto" when absent; see schema
  Text device;                // empty when absent
  std::uint32_t ifindex = 0;  // explicit, else its place in the file from 1
  Mark ifindex_mark;
  std::uint32_t queues = 0;  // 0 = auto
  std::uint32_t mtu = 1500;  // 68..9190
  bool promisc = true;
  std::optional<std::array<std::uint8_t, 6>> mac;
  Text rx, tx;  // capture files of driver pcap
  Text devargs;
  Mark mark;
};

struct Program {
  Text name;
  Text object;    // resolved against the directory of the file that says it
  Text function;  // empty: the object's only program
  Text type;      // "xdp", "xdp/devmap", "xdp/cpumap": what it is taken for; empty: what its section says
  std::vector<std::pair<Text, Value>> globals;
  Mark mark;
};

struct TailCall {
  Text slot;  // number or enumerator name
  Text program;
};

// One program of a `chain:`.
struct ChainLink {
  Text program;
  std::optional<std::uint32_t> continue_on;  // bit v: the next one runs after verdict v; absent: as its object says
};
constexpr std::size_t kMaxChain = 10;  // as libxdp's dispatcher

struct Pipeline {
  Text name;
  Text entry;  // the first of `chain` when that is given
  std::vector<ChainLink> chain;
  std::vector<std::pair<Text, std::vector<TailCall>>> tail_calls;  // prog array -> slots
  Text on_pass;                                                    // port name, "drop", or empty when absent
  enum class OnAborted : std::uint8_t { kDrop, kCapture } on_aborted = OnAborted::kDrop;
  Mark mark;
};

struct Attach {
  std::vector<Text> ports;
  Text ingress;  // pipeline names; empty when absent
  Text egress;
  Mark mark;
};

struct MapEntry {
  Value key;
  Value value;   // kNull when `values` is given
  Value values;  // per-CPU maps: a list, of CPU 0 first; kNull when `value` is given
  Text program;  // devmap, cpumap entries: program attached; empty when absent
  Mark mark;
};

// What the maps inside a map of maps are like, where the object leaves that to its loader.
struct InnerMap {
  Text type;                                   // as bpftool calls it: "hash", "lpm_trie"
  std::uint32_t key_size = 4, value_size = 4;  // bytes
  std::uint32_t max_entries = 0;
  std::uint32_t flags = 0;  // BPF_F_*, linux/bpf.h
  Mark mark;
};

struct Map {
  Text name;
  std::vector<Text> shared_by;                // program names
  std::optional<Value> key_type, value_type;  // `types:` overrides
  std::vector<MapEntry> entries;
  Text file;                      // JSON with more entries; empty when absent
  std::uint32_t max_entries = 0;  // 0 when absent
  std::optional<InnerMap> inner;
  enum class OnReload : std::uint8_t { kKeep, kReset, kRequireSame } on_reload = OnReload::kKeep;
  Text pin;
  std::optional<bool> reader;    // of records; empty: yes in a pipeline, no in a fixture
  std::optional<Value> metrics;  // checked against the schema; what exports metrics reads it
  Mark mark;
};

struct Workers {
  std::vector<unsigned> cores;  // empty = default
  unsigned count = 0;           // 0 = not given: one a core
  std::optional<unsigned> main_core;
  unsigned burst = 32;  // 1..512
  enum class Idle : std::uint8_t { kAuto, kPoll, kSleep } idle = Idle::kAuto;
};

struct Control {
  bool present = false;
  Text socket, group, http_listen;
};

struct Dpdk {
  enum class Hugepages : std::uint8_t { kAuto, kRequired, kNever } hugepages = Hugepages::kAuto;
  std::uint64_t memory_bytes = 0;  // 0 = default
  std::vector<std::string> eal;
};

// An IP address in network order; IPv4 ones are the first four bytes, the rest is 0.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};
  bool is_ipv6 = false;
  bool operator==(const IpAddress&) const = default;
};

// What fib_lookup is told of a port beyond what `ports:` says.
struct FibPort {
  Text name;
  std::optional<std::array<std::uint8_t, 6>> mac;  // else the port's own
  bool forward_ipv4 = true, forward_ipv6 = true;
  Mark mark;
};

constexpr std::uint32_t kIpv6Metric = 1024;  // IP6_RT_PRIO_USER, linux/ipv6_route.h; IPv4's is 0
struct FibRoute {
  IpAddress to;
  unsigned bits = 0;  // of `to` that count; the others are 0
  Text port;          // empty when absent; `unicast` has one
  std::optional<IpAddress> via, source;
  std::optional<std::uint32_t> metric, table;
  enum class Type : std::uint8_t { kUnicast, kLocal, kBlackhole, kUnreachable, kProhibit } type = Type::kUnicast;
  Mark mark;
};

struct FibNeighbour {
  IpAddress address;
  Text port;
  std::array<std::uint8_t, 6> mac{};
  Mark mark;
};

struct Fib {
  std::vector<FibPort> ports;
  std::vector<FibRoute> routes;
  std::vector<FibNeighbour> neighbours;
};

struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;  // 1..65535 once read
};

// One that socket look-ups find.
struct Socket {
  enum class Protocol : std::uint8_t { kTcp, kUdp } protocol = Protocol::kTcp;
  enum class State : std::uint8_t {
    kListen,
    kEstablished,
    kSynSent,
    kSynRecv,
    kFinWait1,
    kFinWait2,
    kTimeWait,
    kCloseWait,
    kLastAck,
    kClosing
  };
  Endpoint local;
  std::optional<Endpoint> remote;
  std::optional<State> state;  // of TCP; else what follows from `remote`
  Text port;                   // empty when it is bound to none
  std::uint32_t so_mark = 0, priority = 0;
  bool ipv6_only = false;
  Mark mark;
};

struct Config {
  std::string path;  // of the file given, as given
  std::string name;
  std::vector<Port> ports;  // in file order
  std::vector<Program> programs;
  std::vector<Pipeline> pipelines;
  std::vector<Attach> attach;
  std::vector<Map> maps;
  Text btf;  // types that CO-RE relocations are made against, as Program::object; empty = those built in
  std::vector<std::pair<Text, Value>> kconfig;  // scalars; variable and value, as a kernel's .config has it
  Fib fib;
  std::vector<Socket> sockets;
  Workers workers;
  Control control;
  Dpdk dpdk;
  std::string log_level = "info", log_format = "text";

  [[nodiscard]] const Port* port(std::string_view name) const noexcept;
  [[nodiscard]] const Program* program(std::string_view name) const noexcept;
  [[nodiscard]] const Pipeline* pipeline(std::string_view name) const noexcept;
  [[nodiscard]] const Map* map(std::string_view name) const noexcept;
};

// Texts of all files read, for the source lines of later diagnostics.
class Sources {
 public:
  void add(std::string file, std::string text);
  // The text of a line, from 1, without its end; empty when unknown. Valid while the Sources live and get no more
  // files.
  [[nodiscard]] std::string_view line(const std::string& file, unsigned number) const;
  // A diagnostic at `mark` with its source line.
  [[nodiscard]] Diagnostic at(const Mark& mark, std::string code, std::string message) const;

 private:
  struct File {
    std::string text;
    std::vector<std::uint32_t> starts;  // offset of each line
  };
  std::map<std::string, File, std::less<>> files_;
};

struct Overrides {
  std::vector<std::pair<std::string, std::string>> set;  // `--set ports.wan0.device=eth0`
};

// Reads `path` with everything it includes. On mistakes `diagnostics` holds all of them and the result is empty.
// Variables come from `environment` (null = the process environment).
std::optional<Config> read_config(const std::string& path, const Overrides& overrides, Sources& sources,
                                  Diagnostics& diagnostics,
                                  const std::map<std::string, std::string>* environment = nullptr);

// What the maps and globals of one object hold before its programs run.
struct Fixture {
  std::vector<Map> maps;
  std::vector<std::pair<Text, Value>> globals;
};
// Reads a fixture: a file with nothing but `maps:` and `globals:`.
std::optional<Fixture> read_fixture(const std::string& path, Sources& sources, Diagnostics& diagnostics);

// JSON Schema (draft-07) of the pipeline file, made from the same tables the reader uses.
std::string json_schema();
// docs/config.md, made from the same tables.
std::string markdown();

}  // namespace sluice::config
