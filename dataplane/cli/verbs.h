#pragma once
// Every verb as a plain struct of its options and a function that returns the exit code. One file a verb; main.cc alone
// knows CLI11 and fills the structs. Results go to stdout, diagnostics to stderr.
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::cli {

// Exit codes of all commands (docs/cli.md).
enum Exit : int {
  kOk = 0,
  kTestFailed = 1,
  kUsage = 2,
  kConfig = 3,
  kRejected = 4,
  kEnvironment = 5,
  kControl = 6,
  kInternal = 7,
  kInterrupted = 130
};

struct Common {
  bool json = false;
  bool quiet = false;
  bool verbose = false;
};

struct Check {
  Common common;
  std::vector<std::string> configs;
  std::vector<std::pair<std::string, std::string>> set;
};
int check(const Check& options);

struct Replay {
  Common common;
  std::string config;
  std::vector<std::pair<std::string, std::string>> set;
  std::vector<std::pair<std::string, std::string>> inputs;  // port, capture
  std::string output;                                       // "out/" or "out/%p.pcapng"; empty = count only
  std::vector<std::string> engines;    // empty = jit; several must agree byte for byte, else exit 1
  std::string clock = "pcap";          // pcap | fixed
  std::string frame_model = "native";  // native | linux
  std::uint64_t seed = 1;              // of bpf_get_prandom_u32
};
int replay(const Replay& options);

struct Events {
  Replay replay;                   // without `output`
  std::vector<std::string> maps;   // empty = all that take records
  std::vector<std::string> types;  // "STRUCT" or "MAP=STRUCT": what records begin with
  std::string write;               // pcapng of the frames in records, instead of printing them; empty = none
};
// Replays, and prints what programs write to perf arrays and ring buffers.
int events(const Events& options);

struct Run {
  Common common;
  std::string config;
  std::vector<std::pair<std::string, std::string>> set;
  std::string duration;  // "10s", "500ms", "2m"; empty = until a signal
  std::string engine = "jit";
};
// Ends by itself after `duration`, or by SIGTERM (exit 0) or SIGINT (exit 130), and prints the final counters.
int run(const Run& options);

struct ProgShow {
  Common common;
  std::string object;
};
int prog_show(const ProgShow& options);

struct ProgVerify {
  Common common;
  std::string object;
  std::string program;               // empty = all
  std::string type;                  // what it is taken for instead of what its section says; empty = by section
  std::string btf;                   // types that CO-RE relocations are made against; empty = those built in
  std::vector<std::string> kconfig;  // "NAME=VALUE" of `.kconfig`
  bool allow_ptr_leaks = false;
};
int prog_verify(const ProgVerify& options);

struct ProgDump {
  Common common;
  std::string object;
  std::string what;  // bpf | jit | btf | cfg
  std::string program;
  std::string type;  // as for prog verify
  std::string btf;
  std::vector<std::string> kconfig;
};
int prog_dump(const ProgDump& options);

struct ProgRun {
  Common common;
  std::string object;
  std::string program;
  std::string type;  // as for prog verify
  std::string btf;
  std::vector<std::string> kconfig;
  std::string data_in;  // raw frame, or a capture
  std::string data_out;
  std::uint32_t repeat = 1;
  std::string engine = "jit";
  std::string maps;                       // fixture
  std::vector<std::string> record_types;  // as Events::types, of the records that the fixture has read
  std::string dump_maps;
  std::uint32_t ingress_ifindex = 1;
  std::string frame_model = "linux";
};
int prog_run(const ProgRun& options);

struct Bench {
  Common common;
  std::string subject;  // object or pipeline file
  std::vector<std::pair<std::string, std::string>> set;
  std::string program;               // of an object; empty = its only one
  std::string type;                  // as for prog verify
  std::string port;                  // of a pipeline: where the frames come in; empty = the first that has a pipeline
  std::string maps;                  // fixture, of an object
  std::string pcap;                  // frames; empty = one of 64 bytes
  std::vector<std::string> engines;  // empty = interp and jit
  std::string against;               // "kernel", or empty
  std::uint32_t rounds = 9;
};
int bench(const Bench& options);

struct Exec {
  Common common;
  std::string memory_hex;
  std::string engine = "jit";
};
int exec(const Exec& options);

struct Graph {
  Common common;
  std::string config;
  std::string format = "text";  // text | dot
};
int graph(const Graph& options);

// `page`: empty for the JSON Schema of the pipeline file, or a page of docs/: "config", "helpers", "drops",
// "errors".
int schema(const std::string& page);
int explain_error(const std::string& code);
// What --version prints: this program's version, engines, libraries and what the CPU offers.
std::string version();
// Such as "dpdk: 22.11.11", or that there is none in this build.
std::string live_version();

}  // namespace sluice::cli
