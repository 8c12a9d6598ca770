#include <algorithm>

#include <fmt/format.h>

#include "helpers/table.h"
#include "tests/packaged/subject.h"
#include "verifier/verifier.h"

namespace sluice::kernel {

Result<vm::ElfObject> load_packaged(const std::string& path, bool relabel) {
  auto object = vm::load_elf(path, {.list_only = true});
  if (!object) return object;
  vm::ElfOptions options{.list_only = true};
  for (const vm::LoadedProgram& program : object->programs) {
    if (relabel && program.type != &vm::xdp_type()) options.types.emplace(program.name, &vm::xdp_type());
  }
  if (!options.types.empty()) object = vm::load_elf(path, options);
  if (!object) return object;
  for (vm::MapDecl& map : object->maps) {
    if (map.spec.max_entries == 0) map.spec.max_entries = 1;
    if (map.spec.inner == nullptr || map.spec.inner->max_entries != 0) continue;
    vm::MapSpec inner = *map.spec.inner;
    inner.max_entries = 1;
    map.spec.inner = std::make_shared<const vm::MapSpec>(std::move(inner));
  }
  return object;
}

Result<std::unique_ptr<SluiceSubject>> SluiceSubject::make(const vm::ElfObject& object, const std::string& program,
                                                           const pipeline::Fixture* fixture, pipeline::Engine engine) {
  std::unique_ptr<SluiceSubject> subject(new SluiceSubject(engine));
  subject->object_ = object;
  Diagnostics diagnostics;
  if (fixture != nullptr) {
    pipeline::prepare(*fixture, subject->object_, diagnostics);
    subject->sets_globals_ = !fixture->contents.globals.empty();
  }
  std::vector<std::shared_ptr<vm::Map>>& maps = subject->maps_;
  for (const vm::MapDecl& declared : subject->object_.maps) {
    auto map = vm::make_map(declared, possible_cpus());
    maps.push_back(map ? *map : nullptr);
    subject->unmade_.push_back(map ? std::string() : std::move(map).error().message);
  }
  for (std::size_t i = 0; i < maps.size(); ++i) {  // `.values`
    auto* const outer = dynamic_cast<vm::MapOfMaps*>(maps[i].get());
    for (const vm::MapDecl::Inner& inner : subject->object_.maps[i].inner) {
      if (outer == nullptr || maps[inner.map] == nullptr) continue;
      outer->set(reinterpret_cast<const std::byte*>(&inner.key), maps[inner.map], vm::UpdateMode::kAny);
    }
  }
  const auto entry = subject->runner(program);
  if (!entry) return entry.error();
  subject->entry_ = *entry;
  subject->counts_.resize((*entry)->program().program().insns.size());
  if (fixture == nullptr) return subject;
  // Maps of a type that does not exist here cannot be filled, and the program does not use them.
  pipeline::Fixture usable = *fixture;
  std::erase_if(usable.contents.maps, [&](const config::Map& map) {
    const auto& declared = subject->object_.maps;
    const auto found =
        std::ranges::find_if(declared, [&](const vm::MapDecl& m) { return m.spec.name == map.name.value; });
    return found != declared.end() && maps[static_cast<std::size_t>(found - declared.begin())] == nullptr;
  });
  const auto find = [&](const std::string& name) { return subject->slot(name); };
  const auto filled = pipeline::fill(
      usable, {.object = subject->object_, .maps = maps, .unmade = subject->unmade_, .program = find}, diagnostics);
  if (!filled) return filled.error();
  if (diagnostics.has_errors()) return Error{ErrorCode::kConfig, diagnostics.render()};
  for (const auto& map : pipeline::read_maps(*fixture, {.object = subject->object_, .maps = maps})) {
    if (map == nullptr) continue;
    if (auto done = read_records_of(*map); !done) return done.error();
  }
  if (auto done = subject->make_inner(*fixture); !done) return done.error();
  return subject;
}

Result<void> SluiceSubject::make_inner(const pipeline::Fixture& fixture) {
  for (const config::Map& given : fixture.contents.maps) {
    if (!given.inner || !given.entries.empty()) continue;
    for (const auto& map : maps_) {
      auto* const outer = dynamic_cast<vm::MapOfMaps*>(map.get());
      if (outer == nullptr || outer->spec().name != given.name.value) continue;
      auto made = vm::make_map(*outer->spec().inner, possible_cpus());
      if (!made) return std::move(made).error();
      const std::shared_ptr<vm::Map> inner = std::move(*made);
      const Bytes key(outer->spec().key_size);
      if (outer->set(key.data(), inner, vm::UpdateMode::kAny) != 0) {
        return Error{ErrorCode::kConfig, fmt::format("{} takes no map of its own kind", given.name.value)};
      }
      own_inner_[outer] = inner;
    }
  }
  return {};
}

Result<const pipeline::Runner*> SluiceSubject::runner(const std::string& name) {
  if (const auto ready = programs_.find(name); ready != programs_.end()) return &ready->second->runner;
  const vm::LoadedProgram* const program = object_.program(name);
  if (program == nullptr) {
    const vm::ListedProgram* const listed = object_.listed(name);
    return Error{ErrorCode::kProgram, listed != nullptr ? vm::why_not(*listed) : "no program " + name};
  }
  std::vector<bool> used(maps_.size());
  vm::mark_maps(object_, *program, used);
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (used[i] && maps_[i] == nullptr) return Error{ErrorCode::kProgram, unmade_[i]};
  }
  auto outcome = verifier::verify(vm::bind(*program, maps_), helpers::table());
  if (!outcome.accepted()) {
    return Error{ErrorCode::kProgram, fmt::format("{}: {}", outcome.rejection().code, outcome.rejection().message)};
  }
  auto made = pipeline::Runner::make(std::move(outcome).take(), engine_, helpers::table());
  if (!made) return std::move(made).error();
  auto ready = std::make_unique<Ready>(Ready{std::move(*made), {}});
  ready->slot = ready->runner.slot(static_cast<std::uint16_t>(programs_.size()));
  return &programs_.emplace(name, std::move(ready)).first->second->runner;
}

Result<const vm::ProgramSlot*> SluiceSubject::slot(const std::string& name) {
  const auto made = runner(name);
  if (!made) return made.error();
  return &programs_.at(name)->slot;
}

Outcome SluiceSubject::run(const Input& input) {
  vm::XdpContext context;
  if (!buffer_.load(input.frame, entry_->program().program().frags, context)) return {};
  context.data_meta = context.data - input.metadata.size();
  std::ranges::copy(input.metadata, context.data_meta);
  context.ingress_ifindex = 1;
  context.egress_ifindex = 1;
  Outcome outcome{.ran = true};
  if (engine_ == pipeline::Engine::kInterp) {
    vm::InterpreterOptions options;
    options.checked = true;
    options.coverage = &counts_;
    const vm::RunResult result = vm::interpret(entry_->program(), context, env_, helpers::table(), options);
    outcome.verdict = static_cast<std::uint32_t>(result.r0);
    if (result.fault)
      fault_ = fmt::format("{}: insn {}: {}", result.fault->program, result.fault->insn, result.fault->what);
  } else {
    entry_->burst(&context, 1, &outcome.verdict, env_);
  }
  outcome.metadata.assign(context.data_meta, context.data);
  pipeline::FrameBuffer::store(context, outcome.frame);
  return outcome;
}

Contents SluiceSubject::contents() const {
  Contents all;
  for (const auto& map : maps_) {
    if (map == nullptr || !is_compared(map->spec(), true)) continue;
    all[map->spec().name] = entries_of(*map, true);
    const auto inner = own_inner_.find(map.get());
    if (inner != own_inner_.end()) all[map->spec().name + ".inner"] = entries_of(*inner->second, true);
  }
  return all;
}

Executed SluiceSubject::executed() const {
  constexpr std::uint8_t kLoadImm64 = 0x18;  // takes two slots
  Executed executed{std::vector<bool>(counts_.size()), std::vector<bool>(counts_.size())};
  const vm::VerifiedProgram& program = entry_->program();
  for (std::size_t slot = 0; slot < counts_.size(); ++slot) {
    executed.reachable[slot] = program.facts().insns[slot].reachable;
    executed.executed[slot] = counts_[slot] != 0;
    if (program.program().insns[slot].opcode == kLoadImm64) ++slot;
  }
  return executed;
}

}  // namespace sluice::kernel
