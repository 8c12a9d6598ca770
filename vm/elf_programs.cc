#include "vm/elf_programs.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "vm/elf_arguments.h"

namespace sluice::vm {
namespace {

constexpr std::size_t kMaxSlots = 1'000'000;     // of one program: BPF_COMPLEXITY_LIMIT_INSNS, linux/bpf.h
constexpr std::size_t kMaxAllSlots = 4'000'000;  // of all programs of an object, sub-programs counted each time
constexpr std::uint8_t kOpcodeLddw = 0x18;
constexpr std::uint8_t kOpcodeCall = 0x85;
constexpr unsigned kSourceLocal = 1;   // call: src of a call to a sub-program
constexpr unsigned kSourceKernel = 2;  // call: src of a call to a kernel function

Error error(std::string message) { return {ErrorCode::kProgram, std::move(message)}; }

struct Function {
  std::string_view name;
  std::uint32_t section = 0;
  std::uint32_t start = 0, end = 0;  // slots of the section
  bool is_local = false, is_global = false;
};

// A reference to code that is resolved once the function's place in the program is known.
struct CodeReference {
  std::size_t slot;      // of the program
  std::size_t function;  // index into functions
};

bool is_lddw(const Insn& insn) { return insn.opcode == kOpcodeLddw; }
bool is_local_call(const Insn& insn) { return insn.opcode == kOpcodeCall && insn.src == kSourceLocal; }

class Linker {
 public:
  explicit Linker(const LinkInput& input) : in_(input) {
    if (in_.btf != nullptr) arguments_ = argument_types(*in_.btf);
    for (std::size_t i = 0; i < in_.maps.size(); ++i) {
      const PlacedMap& map = in_.maps[i];
      if (map.declaration.origin == MapDecl::Origin::kDeclared) {
        declared_.emplace(std::pair(map.section, static_cast<std::int64_t>(map.offset)), i);
      } else {
        data_.emplace(map.section, i);
      }
    }
  }

  Result<Linked> run() {
    if (auto done = find_functions(); !done) return done.error();
    find_references();
    Linked linked;
    for (const ElfSection& section : in_.file.sections()) {
      if (!section.is_code || section.size == 0 || section.name == ".text") continue;
      if (auto done = link_section(section, linked); !done) return done.error();
    }
    if (linked.programs.empty() && first_error_ && !in_.options.list_only) return *first_error_;
    return linked;
  }

 private:
  // --- functions ---

  Result<void> find_functions() {
    by_section_.resize(in_.file.sections().size());
    std::vector<bool> has_typed(in_.file.sections().size());
    for (const ElfSymbol& symbol : in_.file.symbols()) {
      if (is_in_code(symbol) && symbol.type == ElfSymbol::Type::kFunction) has_typed[symbol.section] = true;
    }
    for (const ElfSymbol& symbol : in_.file.symbols()) {
      if (!is_in_code(symbol)) continue;
      // Assembler sources leave symbols without type; beside functions, local ones are jump labels.
      const bool untyped = symbol.type == ElfSymbol::Type::kNone && !symbol.is_local && !has_typed[symbol.section];
      if (symbol.type != ElfSymbol::Type::kFunction && !untyped) continue;
      if (auto done = add_function(symbol); !done) return done;
    }
    for (auto& list : by_section_) {
      std::ranges::stable_sort(list, {}, [this](std::size_t f) { return functions_[f].start; });
      close_ends(list);
    }
    return {};
  }

  [[nodiscard]] bool is_in_code(const ElfSymbol& symbol) const {
    return symbol.section != 0 && symbol.section != kNoSection && in_.file.sections()[symbol.section].is_code;
  }

  Result<void> add_function(const ElfSymbol& symbol) {
    const ElfSection& section = in_.file.sections()[symbol.section];
    if (section.size % sizeof(Insn) != 0) {
      return error(fmt::format("{}: {} bytes of code are no whole number of instructions",
                               place_in(section.name, section.size / sizeof(Insn) * sizeof(Insn)), section.size));
    }
    const std::uint64_t room = section.size - symbol.value;  // ElfFile checked that it is inside
    if (symbol.value % sizeof(Insn) != 0 || symbol.size % sizeof(Insn) != 0 || symbol.size > room || room == 0) {
      return error(
          fmt::format("{}: function \"{}\" with {} bytes, expected whole instructions inside the section's {} bytes",
                      place_in(section.name, symbol.value), symbol.name, symbol.size, section.size));
    }
    if (section.size / sizeof(Insn) > std::numeric_limits<std::int32_t>::max()) {
      return error(fmt::format("{}: more code than a jump can cross", place_in(section.name, 0)));
    }
    Function function;
    function.name = symbol.name;
    function.section = symbol.section;
    function.start = static_cast<std::uint32_t>(symbol.value / sizeof(Insn));
    function.end = function.start + static_cast<std::uint32_t>(symbol.size / sizeof(Insn));
    function.is_local = symbol.is_local;
    function.is_global = in_.btf != nullptr && !symbol.is_local && !symbol.is_hidden;
    by_section_[symbol.section].push_back(functions_.size());
    functions_.push_back(function);
    return {};
  }

  // Functions of unknown size reach to the next one.
  void close_ends(const std::vector<std::size_t>& list) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      Function& function = functions_[list[i]];
      if (function.end != function.start) continue;
      std::size_t next = i + 1;
      while (next < list.size() && functions_[list[next]].start == function.start) ++next;
      function.end = next < list.size()
                         ? functions_[list[next]].start
                         : static_cast<std::uint32_t>(in_.file.sections()[function.section].size / sizeof(Insn));
    }
  }

  // The function that starts at a slot of a section.
  [[nodiscard]] std::optional<std::size_t> function_at(std::uint32_t section, std::int64_t slot) const {
    const auto& list = by_section_[section];
    const auto found =
        std::ranges::lower_bound(list, slot, {}, [this](std::size_t f) { return std::int64_t{functions_[f].start}; });
    if (found == list.end() || functions_[*found].start != slot) return std::nullopt;
    return *found;
  }

  // Marks the functions that code of the object calls or takes the address of.
  void find_references() {
    is_referenced_.resize(functions_.size());
    const auto mark = [this](std::uint32_t section, std::int64_t slot) {
      if (const auto function = function_at(section, slot)) is_referenced_[*function] = true;
    };
    for (const ElfSection& section : in_.file.sections()) {
      if (!section.is_code) continue;
      for (const ElfRelocation& relocation : in_.file.relocations(section.index)) {
        const ElfSymbol& symbol = in_.file.symbols()[relocation.symbol];
        if (symbol.section == 0 || symbol.section == kNoSection || !in_.file.sections()[symbol.section].is_code)
          continue;
        if (relocation.offset % sizeof(Insn) != 0 || relocation.offset >= section.data.size()) continue;
        const auto insn = insn_at(section, relocation.offset / sizeof(Insn));
        const auto start = static_cast<std::int64_t>(symbol.value / sizeof(Insn));
        if (insn.opcode == kOpcodeCall) mark(symbol.section, start + call_distance(relocation, insn));
        const std::int64_t bytes = relocation.has_addend ? relocation.addend : std::int64_t{insn.imm};
        if (is_lddw(insn)) mark(symbol.section, start + bytes / static_cast<std::int64_t>(sizeof(Insn)));
      }
      const std::size_t count = by_section_[section.index].empty() ? 0 : section.data.size() / sizeof(Insn);
      for (std::size_t slot = 0; slot < count; ++slot) {
        const Insn insn = insn_at(section, slot);
        if (is_local_call(insn)) mark(section.index, static_cast<std::int64_t>(slot) + insn.imm + 1);
      }
    }
  }

  [[nodiscard]] static Insn insn_at(const ElfSection& section, std::size_t slot) {
    Insn insn;
    if ((slot + 1) * sizeof(Insn) > section.data.size()) return insn;
    std::memcpy(&insn, section.data.data() + slot * sizeof(Insn), sizeof(Insn));
    return insn;
  }

  // --- programs ---

  // What the program is taken for; null when it is only listed.
  [[nodiscard]] const ProgramType* type_of(std::string_view name, const ElfSection& section) const {
    if (const auto told = in_.options.types.find(name); told != in_.options.types.end()) return told->second;
    if (type_name_of_section(section.name).empty()) return in_.options.unknown_type;
    return type_of_section(section.name, nullptr);
  }

  Result<void> link_section(const ElfSection& section, Linked& linked) {
    bool any = false;
    bool listed = false;
    for (const std::size_t index : by_section_[section.index]) {
      const Function& function = functions_[index];
      if (function.is_local && is_referenced_[index]) continue;  // a sub-program of those beside it
      any = true;
      const ProgramType* type = type_of(function.name, section);
      Result<void> done;
      if (type != nullptr) done = link_program(index, *type, linked.programs);
      if (total_slots_ > kMaxAllSlots) {
        return error(fmt::format("{}: programs have more than {} instructions in all",
                                 place_in(section.name, std::uint64_t{function.start} * sizeof(Insn)), kMaxAllSlots));
      }
      if (type != nullptr && done) continue;
      listed = listed || type == nullptr;
      if (!done && !first_error_) first_error_ = done.error();
      linked.others.push_back({std::string(function.name), std::string(section.name),
                               type != nullptr ? type->name : type_name_of_section(section.name),
                               function.end - function.start, done ? std::string() : done.error().message});
    }
    const bool is_known = type_of_section(section.name, nullptr) != nullptr;
    if (!any && is_known) {
      return error(fmt::format("{}: no global function symbol in the section", place_in(section.name, 0)));
    }
    if (listed || !any) linked.other_sections.emplace_back(section.name);
    return {};
  }

  Result<void> link_program(std::size_t index, const ProgramType& type, std::vector<LoadedProgram>& programs) {
    const Function& function = functions_[index];
    const std::string_view section = section_name(function);
    LoadedProgram program;
    program.name = function.name;
    program.section = section;
    program.type = &type;
    type_of_section(section, &program.frags);
    auto done = link(index, program);
    total_slots_ += program.insns.size();
    if (!done) {
      return std::move(done).error().in(fmt::format("section \"{}\": program \"{}\"", section, function.name));
    }
    programs.push_back(std::move(program));
    return {};
  }

  // Copies the function and, depth first, what it calls. The walk keeps its own stack: chains of calls may be long.
  Result<void> link(std::size_t entry, LoadedProgram& program) {
    placed_.clear();
    struct Open {
      std::vector<CodeReference> references;
      std::size_t next = 0;
    };
    std::vector<Open> stack(1);
    if (auto done = append(entry, program, stack.back().references); !done) return done;
    while (!stack.empty()) {
      if (stack.back().next == stack.back().references.size()) {
        stack.pop_back();
        continue;
      }
      const CodeReference reference = stack.back().references[stack.back().next++];
      const bool is_new = !placed_.contains(reference.function);
      Open callee;
      if (is_new) {
        if (auto done = append(reference.function, program, callee.references); !done) return done;
      }
      const std::int64_t target = placed_[reference.function];
      program.insns[reference.slot].imm =
          static_cast<std::int32_t>(target - static_cast<std::int64_t>(reference.slot) - 1);
      if (is_new) stack.push_back(std::move(callee));
    }
    return {};
  }

  // Puts one function at the program's end, maps resolved; `references` gets its references to code in order.
  Result<void> append(std::size_t index, LoadedProgram& program, std::vector<CodeReference>& references) {
    const Function& function = functions_[index];
    const std::size_t base = program.insns.size();
    const std::size_t count = function.end - function.start;
    if (count > kMaxSlots - base) {
      return error(fmt::format("{}: more than {} instructions", place_of(function, function.start), kMaxSlots));
    }
    placed_[index] = static_cast<std::int64_t>(base);
    const ElfSection& section = in_.file.sections()[function.section];
    program.insns.resize(base + count);
    std::memcpy(program.insns.data() + base, section.data.data() + std::size_t{function.start} * sizeof(Insn),
                count * sizeof(Insn));
    Subprogram& subprogram = program.subprograms.emplace_back();
    subprogram.name = function.name;
    subprogram.start = static_cast<std::uint32_t>(base);
    subprogram.is_global = function.is_global;
    if (const auto types = arguments_.find(function.name); function.is_global && types != arguments_.end()) {
      subprogram.memory = types->second.memory;
      subprogram.never_null = types->second.never_null;
    }
    append_lines(function, static_cast<std::uint32_t>(base), program);
    if (auto done = relocate_core(function, base, program); !done) return done;
    return relocate(function, base, program, references);
  }

  Result<void> relocate_core(const Function& function, std::size_t base, LoadedProgram& program) const {
    const auto found = in_.core.find(section_name(function));
    if (found == in_.core.end()) return {};
    auto patch = std::ranges::lower_bound(found->second, function.start, {}, &CorePatch::slot);
    for (; patch != found->second.end() && patch->slot < function.end; ++patch) {
      const std::size_t at = base + patch->slot - function.start;
      auto poisoned = apply_core_patch(*patch, std::span(program.insns).subspan(at));
      if (!poisoned) {
        return std::move(poisoned).error().in(place_of(function, patch->slot));
      }
      if (*poisoned) program.unresolved.push_back({static_cast<std::uint32_t>(at), patch->what});
    }
    return {};
  }

  void append_lines(const Function& function, std::uint32_t base, LoadedProgram& program) const {
    const auto found = in_.lines.find(in_.file.sections()[function.section].name);
    if (found == in_.lines.end()) return;
    const auto& lines = found->second;
    auto line = std::ranges::lower_bound(lines, function.start, {}, &SourceLine::insn);
    for (; line != lines.end() && line->insn < function.end; ++line) {
      const std::uint32_t slot = line->insn - function.start + base;
      if (program.lines.empty() || program.lines.back().insn != slot) program.lines.push_back(*line);
      program.lines.back() = *line;
      program.lines.back().insn = slot;
    }
  }

  // --- relocations ---

  Result<void> relocate(const Function& function, std::size_t base, LoadedProgram& program,
                        std::vector<CodeReference>& references) const {
    const auto relocations = in_.file.relocations(function.section);
    auto next =
        std::ranges::lower_bound(relocations, std::uint64_t{function.start} * sizeof(Insn), {}, &ElfRelocation::offset);
    for (std::uint32_t slot = function.start; slot < function.end; ++slot) {
      Insn& insn = program.insns[base + slot - function.start];
      const std::uint64_t offset = std::uint64_t{slot} * sizeof(Insn);
      const bool has = next != relocations.end() && next->offset < offset + sizeof(Insn);
      Result<void> done;
      if (has && next->offset != offset) {
        done = error("relocation in the middle of an instruction");
      } else if (has) {
        done = apply(*next++, function, slot, base, program, references);
      } else if (is_local_call(insn)) {
        done = refer(function.section, std::int64_t{slot} + insn.imm + 1, base + slot - function.start, references);
      }
      if (!done) return Error(done.error()).in(place_of(function, slot));
      if (is_lddw(insn)) ++slot;  // its second half is no instruction
    }
    return {};
  }

  // Of an instruction, for messages: `offset 152 of "xdp", fw.bpf.c:12`.
  [[nodiscard]] std::string place_of(const Function& function, std::uint32_t slot) const {
    std::string place = place_in(section_name(function), std::uint64_t{slot} * sizeof(Insn));
    const auto found = in_.lines.find(section_name(function));
    if (found == in_.lines.end()) return place;
    const auto line = std::ranges::upper_bound(found->second, slot, {}, &SourceLine::insn);
    if (line == found->second.begin() || std::prev(line)->insn < function.start) return place;
    const SourceLine& source = *std::prev(line);
    return fmt::format("{}, {}:{}", place, source.file.substr(source.file.rfind('/') + 1), source.line);
  }

  [[nodiscard]] std::string_view section_name(const Function& function) const {
    return in_.file.sections()[function.section].name;
  }

  Result<void> apply(const ElfRelocation& relocation, const Function& function, std::uint32_t slot, std::size_t base,
                     LoadedProgram& program, std::vector<CodeReference>& references) const {
    const std::size_t at = base + slot - function.start;
    Insn& insn = program.insns[at];
    const ElfSymbol& symbol = in_.file.symbols()[relocation.symbol];
    if (symbol.section == 0) {
      const auto extern_variable = in_.kconfig.variables.find(symbol.name);
      if (extern_variable != in_.kconfig.variables.end() && is_lddw(insn) && relocation.type == kRelocation64) {
        if (slot + 1 >= function.end) return error("lddw is cut off");
        return apply_kconfig(relocation, *extern_variable, &insn);
      }
      return error(
          fmt::format("\"{}\" is not defined in this object (extern variables and kernel functions are not "
                      "supported)",
                      symbol.name));
    }
    if (symbol.section == kNoSection) return error(fmt::format("symbol \"{}\" is in no section", symbol.name));
    if (insn.opcode == kOpcodeCall) {
      if (relocation.type != kRelocation32) return unexpected(relocation, "call", kRelocation32);
      return apply_call(relocation, symbol, at, program, references);
    }
    if (!is_lddw(insn)) return error(fmt::format("relocation type {} on opcode {:#04x}", relocation.type, insn.opcode));
    if (relocation.type != kRelocation64) return unexpected(relocation, "lddw", kRelocation64);
    if (slot + 1 >= function.end) return error("lddw is cut off");
    return apply_lddw(relocation, symbol, at, program, references);
  }

  static Error unexpected(const ElfRelocation& relocation, std::string_view what, std::uint32_t wanted) {
    return error(fmt::format("relocation type {} on a {}, expected {}", relocation.type, what, wanted));
  }

  // clang leaves in imm the distance in instructions from the symbol, less one.
  Result<void> apply_call(const ElfRelocation& relocation, const ElfSymbol& symbol, std::size_t at,
                          LoadedProgram& program, std::vector<CodeReference>& references) const {
    Insn& insn = program.insns[at];
    if (!in_.file.sections()[symbol.section].is_code || insn.src == kSourceKernel) {
      return error(fmt::format("call to \"{}\", which is no function of this object", symbol_name(symbol)));
    }
    insn.src = kSourceLocal;
    const auto inside = static_cast<std::int64_t>(symbol.value / sizeof(Insn));
    return refer(symbol.section, inside + call_distance(relocation, insn), at, references);
  }

  static std::int64_t call_distance(const ElfRelocation& relocation, const Insn& insn) {
    return relocation.has_addend ? relocation.addend / static_cast<std::int64_t>(sizeof(Insn))
                                 : std::int64_t{insn.imm} + 1;
  }

  Result<void> apply_kconfig(const ElfRelocation& relocation,
                             const std::pair<const std::string, KconfigVariable>& named, Insn* pair) const {
    const auto& [name, variable] = named;
    if (!variable.why.empty()) return error(fmt::format("\"{}\" {}", name, variable.why));
    const auto distance = relocation.has_addend ? relocation.addend : static_cast<std::int64_t>(imm64(pair));
    if (distance < 0 || distance > variable.size) {
      return error(fmt::format("{} bytes from \"{}\" are outside its {}", distance, name, variable.size));
    }
    pair[0].src = static_cast<std::uint8_t>(Imm64::kMapValue);
    pair[0].imm = static_cast<std::int32_t>(in_.kconfig_map);
    pair[1].imm = static_cast<std::int32_t>(variable.offset + distance);
    return {};
  }

  // clang leaves the distance in bytes from the symbol in the two immediates.
  Result<void> apply_lddw(const ElfRelocation& relocation, const ElfSymbol& symbol, std::size_t at,
                          LoadedProgram& program, std::vector<CodeReference>& references) const {
    Insn* pair = &program.insns[at];
    const auto distance = relocation.has_addend ? relocation.addend : static_cast<std::int64_t>(imm64(pair));
    if (distance < std::numeric_limits<std::int32_t>::min() || distance > std::numeric_limits<std::int32_t>::max()) {
      return error(fmt::format("{} bytes from \"{}\" are too far", distance, symbol_name(symbol)));
    }
    const std::int64_t target = static_cast<std::int64_t>(symbol.value) + distance;
    const ElfSection& section = in_.file.sections()[symbol.section];
    if (section.is_code) {
      if (target % static_cast<std::int64_t>(sizeof(Insn)) != 0) return error("address inside an instruction");
      pair[0].src = static_cast<std::uint8_t>(Imm64::kCode);
      pair[1].imm = 0;
      return refer(symbol.section, target / static_cast<std::int64_t>(sizeof(Insn)), at, references);
    }
    const auto map = find_map(symbol.section, target);
    if (!map) {
      return error(fmt::format("\"{}\" + {} in section \"{}\" is neither a map nor data", symbol_name(symbol), distance,
                               section.name));
    }
    const bool is_data = in_.maps[*map].declaration.origin != MapDecl::Origin::kDeclared;
    pair[0].src = static_cast<std::uint8_t>(is_data ? Imm64::kMapValue : Imm64::kMap);
    pair[0].imm = static_cast<std::int32_t>(*map);
    pair[1].imm = is_data ? static_cast<std::int32_t>(target) : 0;
    return {};
  }

  [[nodiscard]] std::string_view symbol_name(const ElfSymbol& symbol) const {
    return symbol.name.empty() ? in_.file.sections()[symbol.section].name : symbol.name;
  }

  // The map that `offset` in `section` means: exactly the start of a declared one, anything inside a data section.
  [[nodiscard]] std::optional<std::size_t> find_map(std::uint32_t section, std::int64_t offset) const {
    if (const auto data = data_.find(section); data != data_.end()) return data->second;
    if (const auto map = declared_.find({section, offset}); map != declared_.end()) return map->second;
    return std::nullopt;
  }

  Result<void> refer(std::uint32_t section, std::int64_t target, std::size_t at,
                     std::vector<CodeReference>& references) const {
    const auto function = function_at(section, target);
    if (!function) {
      return error(fmt::format("no function starts at instruction {} of section \"{}\"", target,
                               in_.file.sections()[section].name));
    }
    references.push_back({at, *function});
    return {};
  }

  const LinkInput& in_;
  std::vector<Function> functions_;
  std::map<std::string_view, ArgumentTypes> arguments_;
  std::vector<std::vector<std::size_t>> by_section_;  // indices into functions_, ascending by start
  std::vector<bool> is_referenced_;                   // by index into functions_
  std::map<std::pair<std::uint32_t, std::int64_t>, std::size_t> declared_;  // section and offset -> map
  std::map<std::uint32_t, std::size_t> data_;                               // section -> map
  std::map<std::size_t, std::int64_t> placed_;  // function -> its slot in the program being linked
  std::size_t total_slots_ = 0;
  std::optional<Error> first_error_;  // of a program that cannot be linked
};

}  // namespace

Result<Linked> link_programs(const LinkInput& input) { return Linker(input).run(); }

}  // namespace sluice::vm
