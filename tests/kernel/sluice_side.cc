#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "helpers/table.h"
#include "tests/kernel/side.h"
#include "verifier/verifier.h"

namespace sluice::kernel {
namespace {

class SluiceSide : public Side {
 public:
  SluiceSide(pipeline::Engine engine, CoverageMap* coverage)
      : engine_(engine), coverage_(coverage), buffer_(pipeline::FrameModel::kLinux) {}

  Result<void> make(const Setup& setup) {
    for (const Setup::Part& part : setup.parts) {
      if (auto done = load(part); !done) return done;
    }
    for (const Setup::Part& part : setup.parts) {
      if (auto done = fill(part); !done) return done;
    }
    const Setup::Part& first = setup.parts.front();
    entry_ = objects_.at(first.name).programs.at(first.programs.front()).get();
    if (coverage_ != nullptr) cover(first.path);
    return {};
  }

  Outcome run(const Bytes& metadata, const Bytes& frame) override {
    vm::XdpContext context;
    const vm::LoadedProgram& program = entry_->program().program();
    if (!buffer_.load(frame, program.frags, context)) return {};
    context.data_meta = context.data - metadata.size();
    std::ranges::copy(metadata, context.data_meta);
    context.ingress_ifindex = 1;
    std::uint32_t verdict = 0;
    if (coverage_ != nullptr) {
      vm::InterpreterOptions options;
      options.checked = true;
      options.coverage = &covered_->counts;
      options.branches = &covered_->branches;
      const vm::RunResult result = vm::interpret(entry_->program(), context, env_, helpers::table(), options);
      verdict = static_cast<std::uint32_t>(result.r0);
      if (result.fault) covered_->fault = fmt::format("{}: {}", result.fault->insn, result.fault->what);
    } else {
      entry_->burst(&context, 1, &verdict, env_);
    }
    Outcome outcome{.ran = true, .verdict = verdict};
    outcome.metadata.assign(context.data_meta, context.data);
    pipeline::FrameBuffer::store(context, outcome.frame);
    return outcome;
  }

  Contents contents(bool at_end) override {
    Contents all;
    for (const auto& [name, object] : objects_) {
      for (const auto& map : object.maps) {
        if (is_compared(map->spec(), at_end)) all[name + "." + map->spec().name] = entries_of(*map, at_end);
      }
    }
    return all;
  }

 private:
  struct Object {
    vm::ElfObject elf;
    std::vector<std::shared_ptr<vm::Map>> maps;
    std::map<std::string, std::unique_ptr<pipeline::Runner>> programs;
  };

  Result<void> load(const Setup::Part& part) {
    auto elf = vm::load_elf(part.path);
    if (!elf) return std::move(elf).error();
    for (const auto& [name, value] : part.globals) patch(*elf, name, value);
    Object& object = objects_[part.name];
    object.elf = std::move(*elf);
    auto maps = vm::make_maps(object.elf, possible_cpus());
    if (!maps) return std::move(maps).error();
    object.maps = std::move(*maps);
    for (const auto& map : object.maps) {
      if (auto done = read_records_of(*map); !done) return done;
    }
    for (const std::string& name : part.programs) {
      const vm::LoadedProgram* program = object.elf.program(name);
      if (program == nullptr) return Error{ErrorCode::kConfig, "no program " + name};
      vm::LoadedProgram bound = vm::bind(*program, object.maps);
      auto outcome = verifier::verify(bound, helpers::table());
      if (!outcome.accepted()) {
        return Error{ErrorCode::kProgram, part.path + ": " + verifier::render(outcome.rejection(), bound)};
      }
      auto runner = pipeline::Runner::make(std::move(outcome).take(), engine_, helpers::table());
      if (!runner) return std::move(runner).error();
      object.programs[name] = std::make_unique<pipeline::Runner>(std::move(*runner));
    }
    return {};
  }

  static void patch(vm::ElfObject& elf, const std::string& name, const Bytes& value) {
    for (vm::MapDecl& map : elf.maps) {
      for (const vm::Btf::Variable& variable : elf.btf->variables(map.spec.name)) {
        if (variable.name == name) std::ranges::copy(value, map.initial.begin() + variable.offset);
      }
    }
  }

  static vm::Map* find(const Object& object, const std::string& name) {
    for (const auto& map : object.maps) {
      if (map->spec().name == name) return map.get();
    }
    return nullptr;
  }

  Result<void> fill(const Setup::Part& part) {
    const Object& object = objects_.at(part.name);
    for (const Setup::Entry& entry : part.entries) {
      vm::Map* map = find(object, entry.map);
      if (map == nullptr) return Error{ErrorCode::kConfig, "no map " + entry.map};
      Bytes value = entry.value;
      if (map->is_percpu()) {
        Bytes one = value;
        one.resize(map->percpu_stride());
        value.clear();
        for (unsigned cpu = 0; cpu < map->cpus(); ++cpu) value.insert(value.end(), one.begin(), one.end());
      }
      const int status = map->write(entry.key.data(), value.data(), vm::UpdateMode::kAny);
      if (status != 0) return Error{ErrorCode::kConfig, fmt::format("sluice: {}: update: {}", entry.map, status)};
    }
    for (const Setup::Slot& slot : part.slots) {
      auto* array = dynamic_cast<vm::ProgArray*>(find(object, slot.map));
      if (array == nullptr) return Error{ErrorCode::kConfig, "no prog array " + slot.map};
      const auto& target = objects_.at(slot.object).programs.at(slot.program);
      slots_.push_back(std::make_unique<vm::ProgramSlot>(target->slot(static_cast<std::uint16_t>(slots_.size() + 1))));
      const int status = array->set(slot.index, slots_.back().get());
      if (status != 0) return Error{ErrorCode::kConfig, fmt::format("sluice: {}: set: {}", slot.map, status)};
    }
    return {};
  }

  void cover(const std::string& path) {
    const vm::VerifiedProgram& verified = entry_->program();
    Coverage& coverage = (*coverage_)[path.substr(path.rfind('/') + 1) + " " + verified.name()];
    const std::size_t slots = verified.program().insns.size();
    coverage.program = verified.program();
    coverage.counts.resize(slots);
    coverage.branches.resize(slots);
    coverage.reachable.resize(slots);
    for (std::size_t i = 0; i < slots; ++i) {
      // What globals make unreachable in one set-up may be reachable in another.
      if (verified.facts().insns[i].reachable) coverage.reachable[i] = true;
    }
    covered_ = &coverage;
  }

  pipeline::Engine engine_;
  CoverageMap* coverage_;
  Coverage* covered_ = nullptr;
  pipeline::FrameBuffer buffer_;
  vm::ExecEnv env_;
  std::map<std::string, Object> objects_;
  std::vector<std::unique_ptr<vm::ProgramSlot>> slots_;
  const pipeline::Runner* entry_ = nullptr;
};

}  // namespace

Result<std::unique_ptr<Side>> sluice_side(const Setup& setup, pipeline::Engine engine, CoverageMap* coverage) {
  auto side = std::make_unique<SluiceSide>(engine, coverage);
  if (auto done = side->make(setup); !done) return done.error();
  return std::unique_ptr<Side>(std::move(side));
}

}  // namespace sluice::kernel
