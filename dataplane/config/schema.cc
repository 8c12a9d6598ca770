#include "dataplane/config/schema.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "dataplane/config/rows.h"

namespace sluice::config {
namespace {

using Kind = Shape::Kind;

constexpr bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Looked at by nobody here: `tests` belongs to another verb.
void put_nothing(Builder&, const Value&, const Row&, void*) {}

// --- workers ---------------------------------------------------------------------------------------------------------

void put_cores(Builder& b, const Value& value, const Row& row, void* target) {
  std::vector<unsigned>& cores = static_cast<Workers*>(target)->cores;
  constexpr Shape kCore{.kind = Kind::kNumber, .min = 0, .max = 1023, .unit = "core"};
  const auto add = [&](const Value& item) {
    const auto core = b.number(item, kCore);
    if (!core) return;
    if (std::ranges::find(cores, *core) != cores.end()) {
      b.error(item.mark, "config-duplicate", fmt::format("core {} is named twice", *core));
    }
    cores.push_back(static_cast<unsigned>(*core));
  };
  if (value.kind == Value::Kind::kSequence) return b.list(value, add);
  if (value.kind == Value::Kind::kMapping) {
    return b.error(value.mark, "config-type", fmt::format("expected {}, got a mapping", row.shape.words));
  }
  std::string why;
  if (!value.quoted && whole_number(value, why)) return add(value);
  const auto text = b.text(value, row.shape);
  if (!text) return;
  if (const auto list = core_list(text->value, why)) {
    cores = *list;
  } else {
    b.error(value.mark, "config-range", why);
  }
}

// A number or the word "auto", which leaves the member 0.
template <auto Member>
void put_count_or_auto(Builder& b, const Value& value, const Row& row, void* target) {
  std::string why;
  if (value.kind == Value::Kind::kScalar && value.scalar == "auto") {
    member_of<Member>(target) = 0;
  } else if (value.quoted || !whole_number(value, why)) {
    wrong_kind(b, value, row.shape.words);
  } else {
    put_number<Member>(b, value, row, target);
  }
}

constexpr std::array<std::string_view, 3> kIdle = {"auto", "poll", "sleep"};
constexpr Row kWorkerRows[] = {
    {"cores",
     {.kind = Kind::kSpecial,
      .json = R"({"anyOf": [{"type": "string", "pattern": "^[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*$"},
                 {"type": "integer", "minimum": 0, "maximum": 1023},
                 {"type": "array", "uniqueItems": true, "items": {"type": "integer", "minimum": 0, "maximum": 1023}}]})",
      .words = "cores such as \"2-5,7\", a number, or a list of numbers"},
     put_cores,
     "CPUs of the workers, one worker each.",
     "all but the first"},
    {"count",
     {.kind = Kind::kSpecial,
      .min = 1,
      .max = 256,
      .json = R"({"anyOf": [{"const": "auto"}, {"type": "integer", "minimum": 1, "maximum": 256}]})",
      .words = "a number of workers 1..256 or auto"},
     put_count_or_auto<&Workers::count>,
     "How many workers; more than there are cores share them.",
     "one a core"},
    {"main_core", number_from(0, 1023, "core"), put_number<&Workers::main_core>, "CPU of the thread that controls.",
     "the first"},
    {"burst", number_from(1, 512, "frames"), put_number<&Workers::burst>, "Most frames taken from a queue at a time.",
     "32"},
    {"idle", one_of(kIdle), put_choice<&Workers::idle>, "What a worker without frames does.", "auto"},
};

// --- ports -----------------------------------------------------------------------------------------------------------

void put_ifindex(Builder& b, const Value& value, const Row& row, void* target) {
  auto* port = static_cast<Port*>(target);
  put_number<&Port::ifindex>(b, value, row, target);
  port->ifindex_mark = value.mark;
}

constexpr std::array<std::string_view, 11> kDrivers = {"auto",  "pci",  "af_packet", "af_xdp", "tap",  "virtio_user",
                                                       "memif", "null", "ring",      "pcap",   "vhost"};
constexpr Row kPortRows[] = {
    {"driver", one_of(kDrivers), put_word<&Port::driver>, "How frames get in and out.",
     "auto: by the look of `device`"},
    {"device", kAnyText, put_text<&Port::device>, "PCI address, network interface or socket.", ""},
    {"ifindex", number_from(1, 0x7fffffff), put_ifindex, "What programs see as `ingress_ifindex`.",
     "its place in the file, from 1"},
    {"queues",
     {.kind = Kind::kSpecial,
      .min = 1,
      .max = 256,
      .json = R"({"anyOf": [{"const": "auto"}, {"type": "integer", "minimum": 1, "maximum": 256}]})",
      .words = "a number of queues 1..256 or auto"},
     put_count_or_auto<&Port::queues>,
     "Receive queues.",
     "auto: one a worker"},
    {"mtu", number_from(68, 9190, "bytes"), put_number<&Port::mtu>, "Largest IP packet.", "1500"},
    {"promisc", kTrueOrFalse, put_bool<&Port::promisc>, "Take frames for any address.", "true"},
    {"mac", kMac, put_mac<&Port::mac>, "Own address.", "the device's"},
    {"rx", kAnyText, put_path<&Port::rx>, "Capture to receive from (driver pcap).", ""},
    {"tx", kAnyText, put_path<&Port::tx>, "Capture to send to (driver pcap).", ""},
    {"devargs", kAnyText, put_text<&Port::devargs>, "Raw DPDK device arguments, last resort.", ""},
};

// --- programs --------------------------------------------------------------------------------------------------------

template <auto Member>
void put_globals(Builder& b, const Value& value, const Row&, void* target) {
  if (value.kind != Value::Kind::kMapping) return wrong_kind(b, value, "a mapping of variables");
  for (const auto& [name, content] : value.fields) {
    if (auto known = b.key(name)) member_of<Member>(target).emplace_back(*known, b.opaque(content));
  }
}

constexpr Shape kVariables{.kind = Kind::kSpecial, .json = R"({"type": "object"})", .words = "a mapping of variables"};

void put_kconfig(Builder& b, const Value& value, const Row& row, void* target) {
  put_globals<&Config::kconfig>(b, value, row, target);
  for (const auto& [name, content] : static_cast<Config*>(target)->kconfig) {
    if (content.kind != Value::Kind::kScalar) wrong_kind(b, content, "y, n, m, a number or text", name.value + ": ");
  }
}

constexpr std::array<std::string_view, 3> kProgramTypes = {"xdp", "xdp/devmap", "xdp/cpumap"};
constexpr Row kProgramRows[] = {
    {"object", kAnyText, put_path<&Program::object>, "BPF object file, relative to this file.", "", true},
    {"function", kAnyText, put_text<&Program::function>, "Program in the object.", "its only one"},
    {"type", one_of(kProgramTypes), put_word<&Program::type>,
     "What the program is taken for, whatever its section says.", "by section"},
    {"globals", kVariables, put_globals<&Program::globals>,
     "Values of global variables by name, set before verification.", ""},
};

// --- attach ----------------------------------------------------------------------------------------------------------

constexpr Row kAttachRows[] = {
    {"ports", texts(), put_texts<&Attach::ports>, "Ports.", "", true},
    {"ingress", kAnyText, put_text<&Attach::ingress>, "Pipeline of frames that come in.", ""},
    {"egress", kAnyText, put_text<&Attach::egress>, "Pipeline of frames that go out.", ""},
};

void put_attach(Builder& b, const Value& value, const Row& row, void* target) {
  b.list(value, [&](const Value& item) {
    Attach& made = static_cast<Config*>(target)->attach.emplace_back();
    made.mark = item.mark;
    b.object(item, row.shape.rows, &made);
    if (item.kind == Value::Kind::kMapping && item.find("ingress") == nullptr && item.find("egress") == nullptr) {
      b.error(item.mark, "config-missing", "neither 'ingress' nor 'egress' is given");
    }
  });
}

// --- maps ------------------------------------------------------------------------------------------------------------

template <auto Member>
void put_opaque(Builder& b, const Value& value, const Row&, void* target) {
  member_of<Member>(target) = b.opaque(value);
}

constexpr Shape any(std::string_view words) { return {.kind = Kind::kAny, .json = "{}", .words = words}; }

constexpr Shape kList{.kind = Kind::kSpecial, .json = R"({"type": "array"})", .words = "a list of values"};
void put_list(Builder& b, const Value& value, const Row& row, void* target) {
  if (value.kind != Value::Kind::kSequence) return wrong_kind(b, value, row.shape.words);
  static_cast<MapEntry*>(target)->values = b.opaque(value);
}

constexpr Row kEntryRows[] = {
    {"key", any("a key"), put_opaque<&MapEntry::key>, "Key, or `{hex: \"0a000001\"}`.", "", true},
    {"value", any("a value"), put_opaque<&MapEntry::value>,
     "Value, or `{hex: ...}`; of a map of maps the name of the map inside; of a CPUMAP how many frames may wait, also "
     "as `{worker: KEY, queue: FRAMES}`. Per-CPU maps: every CPU's.",
     "or `values`"},
    {"values", kList, put_list, "Per-CPU maps: a list of values, the first is CPU 0's; others are 0.", "or `value`"},
    {"program", kAnyText, put_text<&MapEntry::program>, "Program attached to a DEVMAP or CPUMAP entry.", ""},
};

void check_one_value(Builder& b, const Value& entry) {
  if (entry.kind != Value::Kind::kMapping) return;  // said already
  const bool one = entry.find("value") != nullptr;
  const Value* const all = entry.find("values");
  if (!one && all == nullptr) b.error(entry.mark, "config-missing", "key 'value' is missing; expected a value");
  if (one && all != nullptr) b.error(all->mark, "config-conflict", "'value' and 'values' exclude each other");
}

void put_entries(Builder& b, const Value& value, const Row& row, void* target) {
  std::vector<MapEntry>& entries = static_cast<Map*>(target)->entries;
  if (value.kind == Value::Kind::kSequence) {
    b.list(value, [&](const Value& item) {
      MapEntry& made = entries.emplace_back();
      made.mark = item.mark;
      b.object(item, row.shape.rows, &made);
      check_one_value(b, item);
    });
  } else if (value.kind == Value::Kind::kMapping) {
    for (const auto& [key, content] : value.fields) {
      if (b.key(key)) entries.push_back({.key = b.opaque(key), .value = b.opaque(content), .mark = key.mark});
    }
  } else {
    wrong_kind(b, value, row.shape.words);
  }
}

constexpr Row kTypeRows[] = {
    {"key", any("a type"), put_opaque<&Map::key_type>,
     "Type of the key: a name such as `be16`, `mac`, `ipv4`, or names by field.", ""},
    {"value", any("a type"), put_opaque<&Map::value_type>, "Type of the value.", ""},
};
void put_types(Builder& b, const Value& value, const Row& row, void* target) {
  b.object(value, row.shape.rows, target);
}

constexpr std::array<std::string_view, 2> kLabelFrom = {"key", "value"};
// Metrics stay a Value: these rows only check it.
void check_text(Builder& b, const Value& value, const Row& row, void*) { b.text(value, row.shape); }
void check_bool(Builder& b, const Value& value, const Row&, void*) { b.boolean(value); }
void check_choice(Builder& b, const Value& value, const Row& row, void*) { b.choice(value, row.shape); }
void check_object(Builder& b, const Value& value, const Row& row, void*) { b.object(value, row.shape.rows, nullptr); }

constexpr Row kLabelRows[] = {
    {"name", kAnyText, check_text, "Name of the label.", "", true},
    {"from", one_of(kLabelFrom), check_choice, "What it shows.", "key"},
    {"enum", kAnyText, check_text, "C enumeration that names the numbers.", ""},
};
constexpr Row kMetricRows[] = {
    {"label", object_of(kLabelRows), check_object, "Label of each sample.", ""},
    {"sum_cpus", kTrueOrFalse, check_bool, "One sample for all CPUs.", "true"},
};
void put_metrics(Builder& b, const Value& value, const Row& row, void* target) {
  b.object(value, row.shape.rows, nullptr);
  static_cast<Map*>(target)->metrics = value;
}

constexpr Row kInnerRows[] = {
    {"type", kAnyText, put_text<&InnerMap::type>, "Type, as bpftool calls it: hash, array, lpm_trie.", "", true},
    {"key_size", number_from(0, 512, "bytes"), put_number<&InnerMap::key_size>, "Bytes of a key.", "4"},
    {"value_size", number_from(0, 1 << 20, "bytes"), put_number<&InnerMap::value_size>, "Bytes of a value.", "4"},
    {"max_entries", number_from(1, 0xffffffff), put_number<&InnerMap::max_entries>, "Capacity.", "", true},
    {"flags", number_from(0, 0xffffffff), put_number<&InnerMap::flags>, "BPF_F_* of <linux/bpf.h>.", "0"},
};
void put_inner(Builder& b, const Value& value, const Row& row, void* target) {
  InnerMap& inner = static_cast<Map*>(target)->inner.emplace();
  inner.mark = value.mark;
  b.object(value, row.shape.rows, &inner);
}

constexpr std::array<std::string_view, 3> kOnReload = {"keep", "reset", "require_same"};
constexpr Row kMapRows[] = {
    {"shared_by", texts(), put_texts<&Map::shared_by>, "Programs whose objects share one instance of this map.",
     "each object has its own, but for maps pinned by name"},
    {"types", object_of(kTypeRows), put_types, "Types where BTF alone does not tell what a number means.", "by BTF"},
    {"entries",
     {.kind = Kind::kSpecial,
      .rows = kEntryRows,
      .json = "entries",
      .words = "a list of {key, value} or a mapping from keys to values"},
     put_entries,
     "First contents.",
     ""},
    {"file", kAnyText, put_path<&Map::file>, "JSON file with more entries, as `bpftool map dump -j` writes it.", ""},
    {"max_entries", number_from(1, 0xffffffff), put_number<&Map::max_entries>, "Capacity.", "what the object says"},
    {"inner", object_of(kInnerRows), put_inner, "Maps of maps: what those inside are like.", "what the object says"},
    {"on_reload", one_of(kOnReload), put_choice<&Map::on_reload>, "What a reload does to the contents.", "keep"},
    {"pin", kAnyText, put_text<&Map::pin>, "Name under which maps of several objects are one.",
     "the map's own, where the object pins it by name"},
    {"reader", kTrueOrFalse, put_bool<&Map::reader>,
     "Whether somebody reads the records of a PERF_EVENT_ARRAY or RINGBUF; without a reader `bpf_perf_event_output` "
     "fails "
     "with -ENOENT and a ring buffer fills.",
     "true; in a fixture false"},
    {"metrics", object_of(kMetricRows), put_metrics, "Export of the contents by the metrics page.", ""},
};

// --- the rest --------------------------------------------------------------------------------------------------------

constexpr Row kHttpRows[] = {
    {"listen", kAnyText, put_text<&Control::http_listen>, "Address and port.", "", true},
};
void put_http(Builder& b, const Value& value, const Row& row, void* target) { b.object(value, row.shape.rows, target); }

constexpr Row kControlRows[] = {
    {"socket", kAnyText, put_text<&Control::socket>, "Unix socket.", "/run/sluice/NAME.sock"},
    {"group", kAnyText, put_text<&Control::group>, "Group that may use it.", ""},
    {"http", object_of(kHttpRows), put_http, "Metrics page, read only.", "off"},
};
void put_control(Builder& b, const Value& value, const Row& row, void* target) {
  auto* config = static_cast<Config*>(target);
  config->control.present = true;
  b.object(value, row.shape.rows, &config->control);
}

constexpr std::array<std::string_view, 5> kLevels = {"error", "warn", "info", "debug", "trace"};
constexpr std::array<std::string_view, 3> kFormats = {"text", "json", "journal"};
constexpr Row kLogRows[] = {
    {"level", one_of(kLevels), put_word<&Config::log_level>, "Least severe level shown.", "info"},
    {"format", one_of(kFormats), put_word<&Config::log_format>, "Form of a line.", "text"},
};
void put_log(Builder& b, const Value& value, const Row& row, void* target) { b.object(value, row.shape.rows, target); }

void put_memory(Builder& b, const Value& value, const Row& row, void* target) {
  std::string why;
  const bool number = !value.quoted && whole_number(value, why).has_value();
  const auto text = number ? std::optional<Text>{{value.scalar, value.mark}} : b.text(value, row.shape);
  if (!text) return;
  const auto bytes = byte_size(text->value);
  if (!bytes || *bytes == 0) {
    b.error(value.mark, "config-range", fmt::format("'{}' is not {}", text->value, row.shape.words));
  } else {
    static_cast<Dpdk*>(target)->memory_bytes = *bytes;
  }
}

void put_eal(Builder& b, const Value& value, const Row& row, void* target) {
  b.list(value, [&](const Value& item) {
    if (auto text = b.text(item, row.shape)) static_cast<Dpdk*>(target)->eal.push_back(std::move(text->value));
  });
}

constexpr std::array<std::string_view, 3> kHugepages = {"auto", "required", "never"};
constexpr Row kDpdkRows[] = {
    {"hugepages", one_of(kHugepages), put_choice<&Dpdk::hugepages>, "Use of huge pages.", "auto: when there are any"},
    {"memory",
     {.kind = Kind::kSpecial,
      .json = R"({"anyOf": [{"type": "string", "pattern": "^[1-9][0-9]*[KMG]?$"}, {"type": "integer", "minimum": 1}]})",
      .words = "a size in bytes such as 64M or 1G"},
     put_memory,
     "Memory for frames.",
     "what the ports need"},
    {"eal", texts(), put_eal, "Raw EAL arguments, last resort.", ""},
};

void put_version(Builder& b, const Value& value, const Row& row, void*) {
  std::string why;
  const auto number = whole_number(value, why);
  if (!number) {
    b.error(value.mark, "config-type", why);
  } else if (*number != 1) {
    b.error(value.mark, "config-version",
            fmt::format("version {} is not known; expected {}", *number, row.shape.words));
  }
}

bool is_pipeline_name(std::string_view text) {
  return !text.empty() && text.size() <= 63 && text[0] != '_' && text[0] != '.' && text[0] != '-' &&
         std::ranges::all_of(text, [](char c) {
           return (is_letter_or_digit(c) && !(c >= 'A' && c <= 'Z')) || c == '_' || c == '.' || c == '-';
         });
}

constexpr Shape kVersion{.kind = Kind::kSpecial, .json = R"({"const": 1})", .words = "1"};

constexpr Row kPipelineFileRows[] = {
    {"version", kVersion, put_version, "Version of this format.", "", true},
    {"name",
     {.kind = Kind::kText,
      .pattern = "^[a-z0-9][a-z0-9_.-]{0,62}$",
      .valid = is_pipeline_name,
      .words = "a name of 1..63 lower-case letters, digits, '_', '.' or '-' that begins with a letter or digit"},
     put_plain_text<&Config::name>,
     "Name of this switch.",
     "the file's"},
    // include.cc has read the files and merged them by the time this row is asked.
    {"include", texts(), put_nothing,
     "Files merged below this one, in order: later wins, lists are replaced, null deletes.", ""},
    {"workers", object_of(kWorkerRows), put_object<&Config::workers>, "Threads that carry frames.", ""},
    {"ports", named(kPortRows), put_named<&Config::ports>, "Ports by name.", ""},
    {"programs", named(kProgramRows), put_named<&Config::programs>, "Programs by name.", ""},
    {"pipelines", named(kPipelineRows), put_pipelines, "How programs are chained.", ""},
    {"attach", {.kind = Kind::kList, .rows = kAttachRows}, put_attach, "Which frames enter which pipeline.", ""},
    {"maps", named(kMapRows), put_named<&Config::maps>,
     "Contents and sharing of maps, by the map's name in the object.", ""},
    {"control", object_of(kControlRows), put_control, "How a running switch is controlled.", ""},
    {"log", object_of(kLogRows), put_log, "Log.", ""},
    {"dpdk", object_of(kDpdkRows), put_object<&Config::dpdk>, "What is special about the machine.", ""},
    {"test_defaults",
     {.kind = Kind::kAny, .json = R"({"type": "object"})", .words = "options of tests"},
     put_nothing,
     "Options of all tests; other verbs do not look at them.",
     ""},
    {"tests",
     {.kind = Kind::kAny, .json = R"({"type": "array"})", .words = "a list of tests"},
     put_nothing,
     "Tests of the pipeline; other verbs do not look at them.",
     ""},
    {"fib", object_of(kFibRows), put_object<&Config::fib>, "Routes and neighbours for `bpf_fib_lookup`.", ""},
    {"sockets",
     {.kind = Kind::kList, .rows = kSocketRows},
     put_sockets,
     "What socket look-ups find: `bpf_sk_lookup_tcp`, `bpf_sk_lookup_udp`, `bpf_skc_lookup_tcp`.",
     "none"},
    {"btf", kAnyText, put_path<&Config::btf>,
     "File with the types that CO-RE relocations are made against: raw BTF such as /sys/kernel/btf/vmlinux, or an "
     "object.",
     "the types built in"},
    {"kconfig",
     {.kind = Kind::kSpecial,
      .json = R"({"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}})",
      .words = "a mapping of variables to y, n, m, a number or text"},
     put_kconfig,
     "Values of `.kconfig` variables, as a kernel's .config has them: y, n, m, a number or text. "
     "`LINUX_KERNEL_VERSION` is 6.18.0 and `LINUX_HAS_*` 0 unless set; weak ones without value are 0.",
     ""},
};

constexpr Row kFixtureRows[] = {
    {"version", kVersion, put_version, "Version of this format.", ""},
    {"maps", named(kMapRows), put_named<&Fixture::maps>, "Contents of maps.", "", true},
    {"globals", kVariables, put_globals<&Fixture::globals>, "Values of global variables by name.", ""},
};

}  // namespace

std::span<const Row> pipeline_rows() noexcept { return kPipelineFileRows; }
std::span<const Row> fixture_rows() noexcept { return kFixtureRows; }

bool is_name(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 63 && text[0] != '-' &&
         std::ranges::all_of(text, [](char c) { return is_letter_or_digit(c) || c == '_' || c == '.' || c == '-'; });
}

std::string expected(const Shape& shape) {
  if (!shape.words.empty()) return std::string(shape.words);
  switch (shape.kind) {
    case Kind::kText: return "text";
    case Kind::kBool: return "true or false";
    case Kind::kNumber:
      return fmt::format("a whole number {}..{}{}", shape.min, shape.max,
                         shape.unit.empty() ? std::string() : fmt::format(" ({})", shape.unit));
    case Kind::kChoice: return fmt::format("one of {}", fmt::join(shape.choices, ", "));
    case Kind::kObject: return "a mapping";
    case Kind::kNamed: return "a mapping from names";
    case Kind::kList: return "a list";
    case Kind::kAny:
    case Kind::kSpecial: break;
  }
  return "a value";
}

}  // namespace sluice::config
