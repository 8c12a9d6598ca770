#include "tests/fuzz/judge.h"

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <optional>
#include <sstream>

#include <fmt/format.h>

#include "dataplane/pipeline/frame.h"
#include "helpers/table.h"
#include "jit/jit.h"
#include "tests/fuzz/reasons.h"
#include "tests/support/claims.h"
#include "tests/support/embedding.h"
#include "tests/verifier/kernel.h"
#include "verifier/verifier.h"
#include "vm/interpreter.h"
#include "vm/timers.h"

namespace sluice::fuzz {
namespace {

constexpr std::size_t kFrames = 6;
constexpr std::size_t kManyFrames = 150;  // where the kernel refuses what is accepted here
constexpr std::size_t kMostEntries = 64;
constexpr std::size_t kLogBytes = 1U << 15;
constexpr std::size_t kMostClaims = 4000;

long bpf(bpf_cmd command, bpf_attr& attr) { return ::syscall(SYS_bpf, command, &attr, sizeof attr); }
std::uint64_t address(const void* p) { return reinterpret_cast<std::uint64_t>(p); }

long element(bpf_cmd command, int map, const void* key, const void* value) {
  bpf_attr attr{};
  attr.map_fd = static_cast<std::uint32_t>(map);
  attr.key = address(key);
  attr.value = address(value);
  return bpf(command, attr);
}

bool is_plain(const vm::MapSpec& spec) { return spec.type == vm::MapType::kArray || spec.type == vm::MapType::kHash; }

template <typename F>
void for_each_entry(vm::Map& map, F&& f) {
  Bytes key(map.spec().key_size), next(key.size()), value(map.transfer_size());
  for (bool more = map.next_key(nullptr, next.data()); more; more = map.next_key(key.data(), next.data())) {
    key = next;
    if (map.read(key.data(), value.data()) == 0) f(key, value);
  }
}

// How a run ended.
struct End {
  std::uint32_t verdict = 0;
  Bytes frame;
  friend bool operator==(const End&, const End&) = default;
};
std::string text(const End& end) {
  std::string bytes;
  for (const std::byte byte : end.frame) bytes += fmt::format("{:02x}", static_cast<unsigned>(byte));
  return fmt::format("{} {}", end.verdict, bytes);
}

std::vector<Bytes> frames(std::mt19937_64& random, const testing_support::Claims& claims, std::size_t count) {
  static constexpr std::size_t kLengths[] = {14, 15, 18, 24, 33, 34, 35, 42, 54, 64, 100};
  std::vector<std::size_t> at_bounds;
  std::ranges::copy_if(claims.lengths(), std::back_inserter(at_bounds),
                       [](std::size_t n) { return n >= 14 && n <= 3000; });
  std::vector<Bytes> all(count);
  for (Bytes& frame : all) {
    frame.resize(at_bounds.empty() || random() % 3 == 0 ? kLengths[random() % std::size(kLengths)]
                                                        : at_bounds[random() % at_bounds.size()]);
    for (std::byte& byte : frame) byte = static_cast<std::byte>(random() % 2 == 0 ? random() % 8 : random());
  }
  return all;
}

void load_frame(pipeline::FrameBuffer& buffer, const Bytes& frame, bool frags, vm::XdpContext& context) {
  buffer.load(frame, frags, context);
  context.ingress_ifindex = 1;
}

constexpr unsigned kTimersAFrame = 8;

// In checked mode, with claims when there are some; `fault` says what went wrong.
std::vector<End> interpret(const vm::VerifiedProgram& program, const std::vector<Bytes>& frames,
                           testing_support::Claims* claims, std::string& fault) {
  pipeline::FrameBuffer buffer(pipeline::FrameModel::kLinux);
  const vm::InterpreterOptions checked{.checked = true, .max_insns = 1'000'000, .steps = claims};
  vm::LocalTimers timers(program.program().maps);
  vm::ExecEnv env;
  env.timers = timers.get();
  std::vector<End> ends;
  for (const Bytes& frame : frames) {
    vm::XdpContext context;
    load_frame(buffer, frame, program.program().frags, context);
    vm::RunResult result = vm::interpret(program, context, env, helpers::table(), checked);
    if (!result.fault) result.fault = testing_support::run_timers(helpers::table(), env, checked);
    if (result.fault) {
      fault = fmt::format("insn {}: {}", result.fault->insn, result.fault->what);
      return ends;
    }
    ends.push_back({.verdict = static_cast<std::uint32_t>(result.r0), .frame = {}});
    pipeline::FrameBuffer::store(context, ends.back().frame);
  }
  return ends;
}

std::vector<End> compiled(const vm::VerifiedProgram& program, const std::vector<Bytes>& frames, std::string& fault) {
  const auto code = jit::compile(program, helpers::table());
  if (!code) {
    fault = "the JIT refuses: " + code.error().message;
    return {};
  }
  pipeline::FrameBuffer buffer(pipeline::FrameModel::kLinux);
  vm::LocalTimers timers(program.program().maps);
  vm::ExecEnv env;
  env.timers = timers.get();
  std::vector<End> ends;
  for (const Bytes& frame : frames) {
    vm::XdpContext context;
    load_frame(buffer, frame, program.program().frags, context);
    std::uint32_t verdict = 0;
    code->burst()(&context, 1, &verdict, &env);
    if (env.timers != nullptr) env.timers->run_due(INT64_MAX - 1, kTimersAFrame, env);
    ends.push_back({.verdict = verdict, .frame = {}});
    pipeline::FrameBuffer::store(context, ends.back().frame);
  }
  return ends;
}

std::optional<std::vector<End>> in_kernel(int program, const std::vector<Bytes>& frames) {
  std::vector<End> ends;
  Bytes out(8192);
  for (const Bytes& frame : frames) {
    xdp_md context_in{};
    context_in.data_end = static_cast<std::uint32_t>(frame.size());
    xdp_md context_out{};
    bpf_attr attr{};
    attr.test.ctx_in = address(&context_in);
    attr.test.ctx_size_in = sizeof context_in;
    attr.test.prog_fd = static_cast<std::uint32_t>(program);
    attr.test.data_in = address(frame.data());
    attr.test.data_size_in = static_cast<std::uint32_t>(frame.size());
    attr.test.data_out = address(out.data());
    attr.test.data_size_out = static_cast<std::uint32_t>(out.size());
    attr.test.ctx_out = address(&context_out);
    attr.test.ctx_size_out = sizeof context_out;
    attr.test.repeat = 1;
    if (bpf(BPF_PROG_TEST_RUN, attr) != 0) return std::nullopt;
    const auto metadata = static_cast<std::ptrdiff_t>(context_out.data - context_out.data_meta);
    ends.push_back(
        {.verdict = attr.test.retval,
         .frame = Bytes(out.begin() + metadata, out.begin() + static_cast<std::ptrdiff_t>(attr.test.data_size_out))});
  }
  return ends;
}

// Calls bpf_loop, which may be asked for 2^23 rounds, each of which may ask for as many.
bool may_take_ages(const vm::VerifiedProgram& program) {
  return std::ranges::any_of(program.program().insns, [](const vm::Insn& insn) {
    const vm::InsnRow* const row = vm::find(insn);
    return row != nullptr && row->kind == vm::Kind::kCallHelper && insn.imm == BPF_FUNC_loop;
  });
}

// Whether what the program computes is the same here and there: it asks for no time, chance or bytes nobody wrote.
bool is_deterministic(const vm::VerifiedProgram& program) {
  static constexpr std::int32_t kFree[] = {1, 2, 3, 8, 12, 23, 28, 44, 51, 54, 65, 87, 88, 89, 188, 189, 190};
  if (std::ranges::any_of(program.facts().slots_to_clear, [](std::uint64_t mask) { return mask != 0; })) return false;
  return std::ranges::all_of(program.program().insns, [](const vm::Insn& insn) {
    const vm::InsnRow* const row = vm::find(insn);
    return row == nullptr || row->kind != vm::Kind::kCallHelper ||
           std::ranges::find(kFree, insn.imm) != std::end(kFree);
  });
}

// Whether the instruction makes a number of an address, or decides by one: a branch that compares an address with
// anything but another end of the frame or null; arithmetic that forgets a pointer; writing over parts of one on the
// stack. Addresses here are not the kernel's.
bool reveals_address(const vm::Insn& insn, const vm::InsnRow& row, const verifier::State& state) {
  using verifier::Reg;
  using verifier::Type;
  const auto in_frame = [](const Reg& reg) { return reg.is_packet() || reg.type == Type::kPacketEnd; };
  const bool by_register = row.source == vm::Source::kReg;
  const auto number = Reg::constant(static_cast<std::uint64_t>(std::int64_t{insn.imm}));
  switch (row.kind) {
    case vm::Kind::kBranch: {
      const Reg& a = state.reg(insn.dst);
      const Reg& b = by_register ? state.reg(insn.src) : number;
      if (!a.is_pointer() && !b.is_pointer()) return false;
      const bool equality = row.wide && (row.cond() == vm::Cond::kEq || row.cond() == vm::Cond::kNe);
      return !(row.wide && in_frame(a) && in_frame(b)) && !(equality && (a.is_null() || b.is_null()));
    }
    case vm::Kind::kEndian: return state.reg(insn.dst).is_pointer();
    case vm::Kind::kAlu: {
      const bool move = row.alu() == vm::AluOp::kMov;
      const bool a = !move && state.reg(insn.dst).is_pointer();
      const bool b = by_register && state.reg(insn.src).is_pointer();
      if (row.wide && (move || row.alu() == vm::AluOp::kAdd || row.alu() == vm::AluOp::kSub)) return false;
      return a || b;
    }
    case vm::Kind::kStore:
    case vm::Kind::kStoreImm:
    case vm::Kind::kAtomic: {
      if (state.reg(insn.dst).type != Type::kStack || (row.size == 8 && row.kind != vm::Kind::kAtomic)) return false;
      return std::ranges::any_of(state.frames, [](const verifier::Frame& frame) {
        return std::ranges::any_of(frame.stack, &verifier::Slot::holds_pointer);
      });
    }
    default: return false;
  }
}

bool reveals_addresses(const vm::LoadedProgram& program, testing_support::Claims& claims) {
  for (std::size_t slot = 0; slot < claims.remembered().size(); ++slot) {
    const vm::InsnRow* const row = vm::find(program.insns[slot]);
    if (row == nullptr) continue;
    for (const verifier::State& state : claims.remembered()[slot].states) {
      if (reveals_address(program.insns[slot], *row, state)) return true;
    }
  }
  return false;
}

std::string first_difference(std::string_view one, const std::vector<End>& a, std::string_view other,
                             const std::vector<End>& b) {
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (a[i] != b[i]) return fmt::format("frame {}: {}: {}; {}: {}", i, one, text(a[i]), other, text(b[i]));
  }
  return fmt::format("{}: {} runs; {}: {}", one, a.size(), other, b.size());
}

// The stack of the calling thread and the frame somewhere else while `run` runs.
template <typename F>
[[gnu::noinline]] auto shifted(F&& run) {
  std::array<char, 4096 + 208> pad;
  asm volatile("" : : "r"(pad.data()) : "memory");
  const pipeline::FrameBuffer in_its_place(pipeline::FrameModel::kLinux);
  return run();
}

// Maps with the same contents somewhere else. Maps of maps are shared.
Maps twins(const Maps& maps) {
  Maps all;
  for (const auto& map : maps) {
    auto twin = map->spec().inner == nullptr ? vm::make_map(map->spec(), map->cpus()) : Error{};
    if (!twin) {
      all.push_back(map);
      continue;
    }
    for_each_entry(*map, [&](const Bytes& key, const Bytes& value) {
      (*twin)->write(key.data(), value.data(), vm::UpdateMode::kAny);
    });
    if (map->frozen()) (*twin)->freeze();
    all.push_back(std::move(*twin));
  }
  return all;
}

// Keys with values of the maps that are compared.
std::vector<Bytes> contents_of(const Maps& maps) {
  std::vector<Bytes> all;
  for (const auto& map : maps) {
    if (!is_plain(map->spec())) continue;
    const auto first = static_cast<std::ptrdiff_t>(all.size());
    for_each_entry(*map, [&](const Bytes& key, const Bytes& value) {
      all.push_back(key);
      all.back().insert(all.back().end(), value.begin(), value.end());
    });
    std::sort(all.begin() + first, all.end());
  }
  return all;
}

Judgement run_all(const vm::VerifiedProgram& program, Peers& peers, int kernel, testing_support::Claims& claims,
                  std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const std::vector<Bytes> input = frames(random, claims, kernel < 0 ? kManyFrames : kFrames);
  Judgement result{.finding = Finding::kBothAccept};
  std::string fault;
  peers.reset_ours();
  const auto interpreted = interpret(program, input, &claims, fault);
  if (fault.ends_with("does not end") && may_take_ages(program)) return {.finding = Finding::kTooComplex};
  if (!fault.empty()) {
    return {
        .finding = Finding::kViolation, .what = fault, .signature = "violation " + fault.substr(fault.find(':'), 60)};
  }
  const auto contents = peers.ours();
  const auto differ = [&](std::string what, std::string_view who) {
    // Numbers made of addresses differ from run to run: then nothing can be compared.
    vm::LoadedProgram elsewhere = program.program();
    peers.reset_ours();
    elsewhere.maps = twins(peers.maps());
    const vm::VerifiedProgram moved = verifier::verify(elsewhere, helpers::table()).take();
    const auto again = shifted([&] { return interpret(moved, input, nullptr, fault); });
    if (again != interpreted || contents_of(elsewhere.maps) != contents) return result;
    if (who.starts_with("kernel") && reveals_addresses(program.program(), claims)) return result;
    return Judgement{
        .finding = Finding::kEnginesDiffer, .what = std::move(what), .signature = fmt::format("differs {}", who)};
  };
  peers.reset_ours();
  const auto machine = compiled(program, input, fault);
  if (!fault.empty()) return {.finding = Finding::kEnginesDiffer, .what = fault, .signature = "jit refuses"};
  if (!peers.small()) return result;  // what the interpreter wrote is still there
  if (machine != interpreted) return differ(first_difference("interpreter", interpreted, "jit", machine), "jit");
  if (peers.ours() != contents) return differ("maps differ after the jit", "jit's maps");
  if (kernel < 0 || !is_deterministic(program) || program.program().type->name != vm::xdp_type().name) {
    return result;
  }
  peers.reset_kernels();
  const auto theirs = in_kernel(kernel, input);
  if (!theirs) return result;
  if (*theirs != interpreted) return differ(first_difference("sluice", interpreted, "kernel", *theirs), "kernel");
  if (peers.kernels() != contents) return differ("maps differ from the kernel's", "kernel's maps");
  result.compared = true;
  return result;
}

// The slot of the instruction that the kernel's log ends with, or -1.
long refused_slot(const std::vector<char>& log) {
  long slot = -1;
  std::istringstream lines{std::string(log.data())};
  for (std::string line; std::getline(lines, line);) {
    char* end = nullptr;
    const long number = std::strtol(line.c_str(), &end, 10);
    if (end != line.c_str() && std::string_view(end).starts_with(": (")) slot = number;
  }
  return slot;
}

// Words without numbers.
std::string without_numbers(std::string_view words) {
  std::string all;
  for (const char c : words) {
    if (std::isdigit(static_cast<unsigned char>(c)) == 0) all += c;
  }
  return all;
}

// The log's line before the statistics.
std::string reason_line(const std::vector<char>& log) {
  std::string all(log.data());
  if (const auto end = all.find("processed "); end != std::string::npos) all.erase(end);
  while (!all.empty() && all.back() == '\n') all.pop_back();
  const auto start = all.rfind('\n');
  return start == std::string::npos ? all : all.substr(start + 1);
}

}  // namespace

Peers::Peers(Maps maps) : maps_(std::move(maps)) {
  std::size_t entries = 0;
  for (std::size_t i = 0; i < maps_.size(); ++i) {
    vm::Map& map = *maps_[i];
    descriptors_.push_back(testing_support::kernel_map(map));
    if (!is_plain(map.spec()) || map.frozen()) continue;
    entries += map.spec().max_entries;
    if (entries > kMostEntries) continue;
    for_each_entry(map, [&](const Bytes& key, const Bytes& value) { initial_.push_back({i, key, value}); });
  }
  const auto known = [](const auto& map) {
    const vm::MapType type = map->spec().type;
    return is_plain(map->spec()) || type == vm::MapType::kProgArray;
  };
  small_ = entries <= kMostEntries && std::ranges::all_of(maps_, [&](const auto& map) {
             return known(map) || map->spec().type == vm::MapType::kPercpuArray;
           });
}

Peers::~Peers() {
  for (const int fd : descriptors_) {
    if (fd >= 0) ::close(fd);
  }
}

bool Peers::complete(std::string& why) const {
  const auto missing = std::ranges::find_if(descriptors_, [](int fd) { return fd < 0; });
  if (missing == descriptors_.end()) return true;
  why = maps_[static_cast<std::size_t>(missing - descriptors_.begin())]->spec().name;
  return false;
}

void Peers::reset_ours() {
  if (!small_) return;
  for (const auto& map : maps_) {
    if (map->frozen()) continue;
    if (map->spec().type == vm::MapType::kPercpuArray) {
      const Bytes zeros(map->transfer_size());
      for (std::uint32_t i = 0; i < map->spec().max_entries; ++i) {
        map->write(reinterpret_cast<const std::byte*>(&i), zeros.data(), vm::UpdateMode::kAny);
      }
    }
    if (map->spec().type != vm::MapType::kHash) continue;
    Bytes key(map->spec().key_size);
    while (map->next_key(nullptr, key.data()) && map->erase(key.data()) == 0) {
    }
  }
  for (const Entry& entry : initial_) {
    maps_[entry.map]->write(entry.key.data(), entry.value.data(), vm::UpdateMode::kAny);
  }
}

void Peers::reset_kernels() {
  for (std::size_t i = 0; i < maps_.size(); ++i) {
    const vm::MapSpec& spec = maps_[i]->spec();
    if (spec.type == vm::MapType::kPercpuArray) {
      const Bytes zeros(std::size_t{(spec.value_size + 7) & ~7U} * 256);
      for (std::uint32_t k = 0; k < spec.max_entries; ++k)
        element(BPF_MAP_UPDATE_ELEM, descriptors_[i], &k, zeros.data());
    }
    if (spec.type != vm::MapType::kHash) continue;
    Bytes key(spec.key_size);
    while (element(BPF_MAP_GET_NEXT_KEY, descriptors_[i], nullptr, key.data()) == 0 &&
           element(BPF_MAP_DELETE_ELEM, descriptors_[i], key.data(), nullptr) == 0) {
    }
  }
  for (const Entry& entry : initial_) {
    element(BPF_MAP_UPDATE_ELEM, descriptors_[entry.map], entry.key.data(), entry.value.data());
  }
}

std::vector<Bytes> Peers::ours() const { return small_ ? contents_of(maps_) : std::vector<Bytes>{}; }

std::vector<Bytes> Peers::kernels() const {
  std::vector<Bytes> all;
  for (std::size_t i = 0; i < maps_.size(); ++i) {
    const vm::MapSpec& spec = maps_[i]->spec();
    if (!is_plain(spec)) continue;
    const std::size_t first = all.size();
    Bytes key(spec.key_size), next(key.size());
    const std::byte* before = nullptr;
    while (element(BPF_MAP_GET_NEXT_KEY, descriptors_[i], before, next.data()) == 0) {
      key = next;
      before = key.data();
      Bytes entry = key;
      entry.resize(key.size() + spec.value_size);
      element(BPF_MAP_LOOKUP_ELEM, descriptors_[i], key.data(), entry.data() + key.size());
      all.push_back(std::move(entry));
    }
    std::sort(all.begin() + static_cast<std::ptrdiff_t>(first), all.end());
  }
  return all;
}

std::string_view name(Finding finding) {
  switch (finding) {
    case Finding::kBothAccept: return "both accept";
    case Finding::kBothRefuse: return "both refuse";
    case Finding::kListedAccept: return "accepted only here, listed";
    case Finding::kWrongAccept: return "accepted only here, NOT LISTED";
    case Finding::kListedRefusal: return "refused only here, listed";
    case Finding::kWrongRefusal: return "refused only here, not listed";
    case Finding::kTooComplex: return "too complex or too long, not judged";
    case Finding::kViolation: return "accepted and FAULTS";
    case Finding::kEnginesDiffer: return "engines DIFFER";
    case Finding::kCount: break;
  }
  return "";
}

Judgement judge(const vm::LoadedProgram& program, Peers& peers, std::uint64_t seed) {
  testing_support::Claims claims(testing_support::Claims::What::kLive, kMostClaims);
  verifier::Options options{.observer = &claims};
  options.limits.processed = kMostProcessed;
  verifier::Outcome outcome = verifier::verify(program, helpers::table(), options);
  const bool ours = outcome.accepted();
  if (!ours && outcome.rejection().code == "too-complex") return {.finding = Finding::kTooComplex};

  std::vector<char> log;
  const int fd = testing_support::kernel_load(program, peers.descriptors(), log);
  Judgement result;
  if (ours && fd < 0) {
    const int error = errno;
    log.resize(kLogBytes);
    const int again = testing_support::kernel_load(program, peers.descriptors(), log);
    if (again >= 0) ::close(again);
    const std::string line = reason_line(log);
    verifier::Options narrow;
    narrow.as_linux = true;
    narrow.limits.processed = kMostProcessed;
    const bool knows_more = !verifier::verify(program, helpers::table(), narrow).accepted();
    const vm::VerifiedProgram proven = std::move(outcome).take();
    const long slot = refused_slot(log);
    const auto& facts = proven.facts().insns;
    const bool nobody_there =
        slot >= 0 && static_cast<std::size_t>(slot) < facts.size() && !facts[static_cast<std::size_t>(slot)].reachable;
    const std::string_view row = reason_to_accept(error, line, knows_more, nobody_there);
    result = {.finding = row.empty() ? Finding::kWrongAccept : Finding::kListedAccept,
              .what = fmt::format("the kernel refuses it, errno {}: {}", error, line),
              .signature = fmt::format("accept {} {}", error, row.empty() ? without_numbers(line) : std::string(row))};
    // It runs all the same: what is more is to be harmless.
    const Judgement ran = run_all(proven, peers, -1, claims, seed);
    return ran.finding == Finding::kBothAccept || ran.finding == Finding::kTooComplex ? result : ran;
  }
  if (!ours && fd >= 0) {
    const verifier::Rejection& why = outcome.rejection();
    std::string words = why.message;
    for (const verifier::Rejection::Note& note : why.notes) words += "\n" + note.text;
    const std::string_view row = reason_to_refuse(program, why.code, words);
    result = {.finding = row.empty() ? Finding::kWrongRefusal : Finding::kListedRefusal,
              .what = verifier::render(why, program),
              .signature =
                  fmt::format("refuse {} {}", why.code, row.empty() ? without_numbers(why.message) : std::string(row))};
  } else if (ours) {
    result = run_all(std::move(outcome).take(), peers, fd, claims, seed);
  }
  if (fd >= 0) ::close(fd);
  return result;
}

}  // namespace sluice::fuzz
