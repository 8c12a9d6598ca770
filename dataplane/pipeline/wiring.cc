#include "dataplane/pipeline/wiring.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <numeric>

#include <fmt/format.h>

#include "base/check.h"
#include "dataplane/pipeline/run_config.h"
#include "dataplane/pipeline/value_text.h"
#include "vm/maps/cpumap.h"

namespace sluice::pipeline {
namespace {

constexpr std::int32_t kTailCallHelper = 12;  // BPF_FUNC_tail_call
constexpr std::uint32_t kPassBit = 1U << static_cast<unsigned>(vm::Verdict::kPass);
constexpr std::string_view kDrop = "drop";  // `on_pass: drop`
static_assert(kMaxLinks == config::kMaxChain);

template <typename Range>
std::int32_t index_of(const Range& named, std::string_view name) {
  const auto found = std::ranges::find_if(named, [&](const auto& item) { return item.name.value == name; });
  return found == std::ranges::end(named) ? kNone : static_cast<std::int32_t>(found - std::ranges::begin(named));
}

std::vector<std::size_t> up_to(std::size_t count) {
  std::vector<std::size_t> all(count);
  std::iota(all.begin(), all.end(), 0);
  return all;
}

// Whether it can send frames to CPUs: those arrive as if XDP_PASS had been said there.
bool names_cpumap(const vm::LoadedProgram& program) {
  constexpr std::uint8_t kLddw = 0x18;  // RFC 9669; its second slot has opcode 0
  return std::ranges::any_of(program.insns, [&](const vm::Insn& insn) {
    const auto index = static_cast<std::size_t>(static_cast<std::uint32_t>(insn.imm));
    const bool map = insn.opcode == kLddw && static_cast<vm::Imm64>(insn.src) == vm::Imm64::kMap;
    return map && index < program.maps.size() && program.maps[index] != nullptr &&
           program.maps[index]->spec().type == vm::MapType::kCpumap;
  });
}

}  // namespace

Wiring::Wiring(const LoadContext& context, const ObjectSet& objects, const std::vector<std::unique_ptr<Stage>>& stages)
    : context_(context), objects_(objects), stages_(stages) {}

std::size_t Wiring::program_index(const config::Text& name) const {
  const std::int32_t index = index_of(context_.config.programs, name.value);
  SLUICE_CHECK(index != kNone);  // read_config resolved it
  return static_cast<std::size_t>(index);
}

void Wiring::fill_prog_arrays() {
  for (const config::Pipeline& pipeline : context_.config.pipelines) {
    for (const auto& [map, calls] : pipeline.tail_calls) fill_array(pipeline, map, calls);
  }
  add_implied();
  for (const Slot& slot : slots_) {
    const auto [known, fresh] = filled_.try_emplace({slot.array, slot.index}, &slot);
    if (fresh && slot.line == nullptr) fill_implied(slot);
    // What the file says stands before what objects imply.
    if (fresh || slot.line == nullptr || known->second->program == slot.program) continue;
    context_.error(
        slot.line->slot.mark, "tail-call",
        fmt::format("slot {} of {} holds {} already (line {}); both pipelines use the same prog array", slot.index,
                    slot.map, known->second->line->program.value, known->second->line->slot.mark.line));
  }
}

void Wiring::add_implied() {
  for (const ImpliedTail& tail : context_.tails) {
    const auto found = objects_.find_map(tail.map, {tail.user});
    if (found.empty() || found[0].map->spec().type != vm::MapType::kProgArray) continue;
    slots_.push_back({.pipeline = nullptr,
                      .line = nullptr,
                      .map = tail.map,
                      .array = static_cast<vm::ProgArray*>(found[0].map.get()),
                      .index = tail.key,
                      .program = tail.program});
  }
}

void Wiring::fill_implied(const Slot& slot) {
  const auto& stage = stages_[slot.program];
  if (stage == nullptr) return;
  const auto found = std::ranges::find(context_.tails, slot.program, &ImpliedTail::program);
  if (const int result = slot.array->set(slot.index, &stage->slot); result != 0) {
    context_.error(context_.config.programs[found->user].object.mark, "tail-call",
                   fmt::format("map {}: the object puts {} into slot {}: {}", slot.map, stage->name, slot.index,
                               std::strerror(-result)));
  }
}

void Wiring::fill_array(const config::Pipeline& pipeline, const config::Text& map,
                        const std::vector<config::TailCall>& calls) {
  std::vector<std::size_t> programs = entries(pipeline);  // of this pipeline
  for (const config::TailCall& call : calls) programs.push_back(program_index(call.program));
  const auto found = objects_.find_map(map.value, programs);
  if (found.empty()) {
    context_.error(
        map.mark, "unknown-map",
        fmt::format("pipeline {}: none of its programs has a map '{}'", pipeline.name.value, printable(map.value)));
    return;
  }
  if (found.size() > 1) {
    context_.error(
        map.mark, "map-ambiguous",
        fmt::format("pipeline {}: {} and {} each have their own map {}: say `shared_by` under maps.{}",
                    pipeline.name.value, found[0].object->elf.path, found[1].object->elf.path, map.value, map.value));
    return;
  }
  if (found[0].map->spec().type != vm::MapType::kProgArray) {
    context_.error(map.mark, "tail-call",
                   fmt::format("pipeline {}: {} is no prog array but {}", pipeline.name.value, map.value,
                               vm::map_type_name(found[0].map->spec().type)));
    return;
  }
  auto& array = static_cast<vm::ProgArray&>(*found[0].map);
  for (const config::TailCall& call : calls) {
    const std::string where = fmt::format("tail call {}[{}]", map.value, call.slot.value);
    const auto number = slot_number(call.slot, found[0], where);
    if (!number) continue;
    const std::size_t program = program_index(call.program);
    const auto& stage = stages_[program];
    slots_.push_back({.pipeline = &pipeline,
                      .line = &call,
                      .map = map.value,
                      .array = &array,
                      .index = *number,
                      .program = program});
    if (stage == nullptr) continue;
    const int result = array.set(*number, &stage->slot);
    if (result != 0) {
      context_.error(
          call.program.mark, "tail-call",
          fmt::format("{}: {} does not fit the programs {} holds: all must be of one type ({} is {}{})", where,
                      call.program.value, map.value, call.program.value, stage->runner.program().program().type->name,
                      stage->runner.program().program().frags ? " with frags" : ""));
    }
  }
}

std::optional<std::uint32_t> Wiring::slot_number(const config::Text& slot, const ObjectSet::Found& found,
                                                 const std::string& where) const {
  const std::uint32_t size = found.map->spec().max_entries;
  std::optional<std::int64_t> number;
  if (const auto integer = parse_integer(slot.value)) {
    if (integer->magnitude <= UINT32_MAX) {
      number = static_cast<std::int64_t>(integer->magnitude) * (integer->negative ? -1 : 1);
    } else {
      number = INT64_MAX;
    }
  } else if (found.object->elf.btf != nullptr) {
    number = found.object->elf.btf->enumerator(slot.value);
  }
  if (!number) {
    std::vector<std::string_view> names;
    std::vector<vm::Btf::Enumerator> known;
    if (found.object->elf.btf != nullptr) known = found.object->elf.btf->enumerators(found.map->spec().key_type);
    for (const auto& enumerator : known) names.push_back(enumerator.name);
    const std::string_view near = nearest(slot.value, names);
    context_.error(
        slot.mark, "tail-call",
        fmt::format("{}: '{}' is neither a number nor an enumerator of {}{}", where, printable(slot.value),
                    found.object->elf.path, near.empty() ? std::string() : fmt::format("; did you mean '{}'?", near)));
    return std::nullopt;
  }
  if (*number < 0 || *number >= size) {
    context_.error(slot.mark, "tail-call",
                   fmt::format("{}: slot {} is out of range 0..{}", where, slot.value, size - 1));
    return std::nullopt;
  }
  return static_cast<std::uint32_t>(*number);
}

void Wiring::attach_devmap_programs() {
  for (const config::Map& map : context_.config.maps) {
    const bool any = std::ranges::any_of(map.entries, [](const auto& entry) { return !entry.program.value.empty(); });
    if (!any) continue;
    const auto found = objects_.find_map(map.name.value, up_to(context_.config.programs.size()));
    if (found.empty()) continue;  // said by fill_maps
    for (const config::MapEntry& entry : map.entries) {
      if (!entry.program.value.empty()) attach_program(map, entry, found[0]);
    }
  }
}

void Wiring::attach_program(const config::Map& map, const config::MapEntry& entry, const ObjectSet::Found& found) {
  const std::string where = fmt::format("map {}", map.name.value);
  const vm::MapType type = found.map->spec().type;
  const bool cpumap = type == vm::MapType::kCpumap;
  if (!cpumap && type != vm::MapType::kDevmap && type != vm::MapType::kDevmapHash) {
    context_.error(entry.program.mark, "map-entry",
                   fmt::format("{}: programs are attached to entries of devmaps and cpumaps, and this is {}", where,
                               vm::map_type_name(type)));
    return;
  }
  const std::size_t program = program_index(entry.program);
  const auto& stage = stages_[program];
  if (stage == nullptr) return;
  const vm::LoadedProgram& loaded = stage->runner.program().program();
  if (loaded.type != &(cpumap ? vm::xdp_cpumap_type() : vm::xdp_devmap_type())) {
    const std::string_view kind = cpumap ? "cpumap" : "devmap";
    context_.error(entry.program.mark, "program-type",
                   fmt::format("{}: {} is {}, a {} entry takes SEC(\"xdp/{}\")", where, entry.program.value,
                               loaded.type->name, kind, kind));
    return;
  }
  std::uint32_t key = 0;
  const ValueType key_type{.btf = found.object->elf.btf.get(),
                           .type = found.map->spec().key_type,
                           .size = sizeof(key),
                           .types = map.key_type ? &*map.key_type : nullptr};
  // The mistakes of this key were told when the map was filled.
  Diagnostics told;
  const ValueReader reader{.ports = context_.ports, .sources = context_.sources, .diagnostics = told};
  if (!reader.encode(entry.key, key_type, where, std::as_writable_bytes(std::span(&key, 1)))) return;
  const int status = cpumap ? static_cast<vm::Cpumap&>(*found.map).attach(key, &stage->slot)
                            : static_cast<vm::Devmap&>(*found.map).attach(key, &stage->slot);
  if (status == 0) devmap_programs_.push_back(program);
}

std::vector<Port> Wiring::make_ports() {
  std::vector<Port> ports;
  for (const config::Port& port : context_.config.ports) {
    ports.push_back({.name = port.name.value, .ifindex = port.ifindex, .mtu = port.mtu});
  }
  for (const config::Attach& line : context_.config.attach) attach(line, ports);
  return ports;
}

void Wiring::attach(const config::Attach& line, std::vector<Port>& ports) {
  const auto chain = [&](const config::Text& name, bool egress) {
    if (name.value.empty()) return kNone;
    const std::int32_t index = index_of(context_.config.pipelines, name.value);
    SLUICE_CHECK(index != kNone);
    Use& use = uses_[name.value];
    (egress ? use.egress : use.ingress) = true;
    check_entry(context_.config.pipelines[static_cast<std::size_t>(index)], name, egress);
    return index;
  };
  const std::int32_t ingress = chain(line.ingress, false);
  const std::int32_t egress = chain(line.egress, true);
  for (const config::Text& name : line.ports) {
    const auto port = std::ranges::find(ports, name.value, &Port::name);
    SLUICE_CHECK(port != ports.end());
    if (ingress != kNone) port->ingress = ingress;
    if (egress != kNone) port->egress = egress;
  }
}

std::vector<std::size_t> Wiring::entries(const config::Pipeline& pipeline) const {
  if (pipeline.chain.empty()) return {program_index(pipeline.entry)};
  std::vector<std::size_t> programs;
  for (const config::ChainLink& link : pipeline.chain) programs.push_back(program_index(link.program));
  return programs;
}

void Wiring::check_entry(const config::Pipeline& pipeline, const config::Text& use, bool egress) {
  for (const std::size_t entry : entries(pipeline)) {
    const auto& stage = stages_[entry];
    if (stage == nullptr) continue;
    const vm::ProgramType* type = stage->runner.program().program().type;
    if (type == &vm::xdp_type() || (egress && type == &vm::xdp_devmap_type())) continue;
    context_.error(
        use.mark, "program-type",
        fmt::format("pipeline {} {} {} of type {}, {} takes {}", pipeline.name.value,
                    pipeline.chain.empty() ? "starts with" : "chains", context_.config.programs[entry].name.value,
                    type->name, egress ? "egress" : "ingress", egress ? "xdp or xdp/devmap" : "xdp"));
  }
}

std::vector<Link> Wiring::make_links(const config::Pipeline& pipeline) const {
  std::vector<Link> links;
  for (const config::ChainLink& link : pipeline.chain) {
    const std::size_t program = program_index(link.program);
    const Object* const object = objects_.of_program(program);
    const vm::LoadedProgram* const function = objects_.function(program);
    if (object == nullptr || function == nullptr) continue;  // said already
    const std::uint32_t own = run_config(object->elf.btf.get(), function->name).continue_on;
    links.push_back({.stage = static_cast<std::uint16_t>(program),
                     .continue_on = link.continue_on.value_or(own) | 1U << kDispatcherReturn});
  }
  return links;
}

void Wiring::check_order(const config::Pipeline& pipeline) const {
  std::uint32_t before = 0;
  for (const config::ChainLink& link : pipeline.chain) {
    const std::size_t program = program_index(link.program);
    const Object* const object = objects_.of_program(program);
    const vm::LoadedProgram* const function = objects_.function(program);
    if (object == nullptr || function == nullptr) continue;  // said already
    const std::uint32_t priority = run_config(object->elf.btf.get(), function->name).priority;
    if (priority < before) {
      context_.warn(link.program.mark, "chain-order",
                    fmt::format("pipeline {}: {} asks for priority {}, the one in front of it for {}: libxdp would run "
                                "it first; here the order of the chain stands",
                                pipeline.name.value, link.program.value, priority, before));
    }
    before = priority;
  }
}

std::vector<Chain> Wiring::make_chains() const {
  std::vector<Chain> chains;
  for (const config::Pipeline& pipeline : context_.config.pipelines) {
    const bool drops = pipeline.on_pass.value.empty() || pipeline.on_pass.value == kDrop;
    chains.push_back({.name = pipeline.name.value,
                      .entry = static_cast<std::uint16_t>(program_index(pipeline.entry)),
                      .on_pass = drops ? kNone : index_of(context_.config.ports, pipeline.on_pass.value),
                      .links = make_links(pipeline)});
  }
  return chains;
}

std::vector<std::size_t> Wiring::reach(const std::string& pipeline, std::size_t entry) {
  std::vector<std::size_t> reached = {entry};
  for (std::size_t i = 0; i < reached.size(); ++i) follow(pipeline, reached[i], reached);
  return reached;
}

void Wiring::follow(const std::string& pipeline, std::size_t from, std::vector<std::size_t>& reached) {
  const vm::VerifiedProgram& program = stages_[from]->runner.program();
  const vm::Facts& facts = program.facts();
  std::set<Called> calls;
  const auto call_all = [&](const vm::Map& map) {
    for (std::uint32_t i = 0; i < map.spec().max_entries; ++i) calls.emplace(&map, i);
  };
  for (std::size_t i = 0; i < program.program().insns.size() && i < facts.insns.size(); ++i) {
    const vm::InsnRow* row = vm::find(program.program().insns[i]);
    if (row == nullptr || row->kind != vm::Kind::kCallHelper || program.program().insns[i].imm != kTailCallHelper ||
        !facts.insns[i].reachable) {
      continue;
    }
    const vm::InsnFacts& fact = facts.insns[i];
    if (fact.map < 0) {
      for (const std::uint32_t map : facts.tail_call_maps) call_all(*program.program().maps[map]);
    } else if (fact.key_constant < 0) {
      call_all(*program.program().maps[static_cast<std::size_t>(fact.map)]);
    } else {
      const vm::Map& map = *program.program().maps[static_cast<std::size_t>(fact.map)];
      const auto slot = static_cast<std::uint32_t>(fact.key_constant);
      calls.emplace(&map, slot);
      if (!filled_.contains({&map, slot})) {
        context_.warn(context_.config.programs[from].name.mark, "tail-call-empty",
                      fmt::format("{} calls slot {} of {}, which is empty: the call falls through", stages_[from]->name,
                                  slot, map.spec().name));
      }
    }
  }
  for (const Called& call : calls) {
    called_.insert(call);
    const auto filled = filled_.find(call);
    if (filled == filled_.end()) continue;
    const std::size_t to = filled->second->program;
    context_.report.edges.push_back({.pipeline = pipeline,
                                     .from = stages_[from]->name,
                                     .to = stages_[to]->name,
                                     .map = filled->second->map,
                                     .slot = call.second});
    if (std::ranges::find(reached, to) == reached.end()) reached.push_back(to);
  }
}

bool Wiring::check_pass(const config::Pipeline& pipeline, const std::vector<std::size_t>& reached,
                        std::uint32_t passes) const {
  for (const std::size_t stage : reached) {
    const vm::VerifiedProgram& program = stages_[stage]->runner.program();
    const bool to_cpus = names_cpumap(program.program());
    if ((program.facts().may_return & passes) == 0 && !to_cpus) continue;
    context_.error(pipeline.name.mark, "on-pass",
                   fmt::format("pipeline {}: {} can {}, and there is no kernel stack behind it: say "
                               "`on_pass: PORT` or `on_pass: drop`",
                               pipeline.name.value, stages_[stage]->name,
                               to_cpus              ? "send frames to CPUs, where they pass"
                               : passes == kPassBit ? "return XDP_PASS"
                                                    : "let frames pass"));
    return false;
  }
  return true;
}

std::vector<std::size_t> Wiring::check_pipeline(const config::Pipeline& pipeline, bool takes_frames) {
  std::vector<std::size_t> used;
  bool to_say = takes_frames && pipeline.on_pass.value.empty();
  check_order(pipeline);
  const std::vector<Link> links = make_links(pipeline);
  const std::vector<std::size_t> programs = entries(pipeline);
  for (std::size_t i = 0; i < programs.size(); ++i) {
    const auto reached = reach(pipeline.name.value, programs[i]);
    used.insert(used.end(), reached.begin(), reached.end());
    // Verdicts with which frames pass: XDP_PASS that does not go on, all that go on behind the last program.
    const std::uint32_t on = i < links.size() ? links[i].continue_on : 0;
    const std::uint32_t passes = (kPassBit & ~on) | (i + 1 == programs.size() ? on : 0);
    to_say = to_say && check_pass(pipeline, reached, passes);
  }
  return used;
}

void Wiring::check_reach() {
  std::set<std::size_t> used;
  for (const config::Pipeline& pipeline : context_.config.pipelines) {
    const auto use = uses_.find(pipeline.name.value);
    if (use == uses_.end()) {
      context_.warn(pipeline.name.mark, "unused",
                    fmt::format("pipeline {} is attached to no port", pipeline.name.value));
    }
    const auto reached = check_pipeline(pipeline, use == uses_.end() || use->second.ingress);
    used.insert(reached.begin(), reached.end());
  }
  for (const std::size_t program : devmap_programs_) {
    if (used.contains(program)) continue;
    const auto reached = reach("", program);
    used.insert(reached.begin(), reached.end());
  }
  std::set<std::size_t> unreachable;
  for (const Slot& slot : slots_) {
    if (slot.line == nullptr || called_.contains({slot.array, slot.index})) continue;
    unreachable.insert(slot.program);
    context_.error(slot.line->slot.mark, "tail-call-unreachable",
                   fmt::format("slot {} of {} is never called: no stage that {} reaches calls it",
                               slot.line->slot.value, slot.map, slot.pipeline->entry.value));
  }
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    if (used.contains(i) || unreachable.contains(i) || i >= context_.told) continue;
    const config::Text& name = context_.config.programs[i].name;
    context_.warn(name.mark, "unused", fmt::format("program {} is used by no pipeline and no map", name.value));
  }
}

}  // namespace sluice::pipeline
