// sluice prog dump OBJ bpf|jit|btf|cfg [--program NAME]: instructions, machine code, types, blocks.
#include <cstdio>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "dataplane/cli/common.h"
#include "dataplane/cli/verbs.h"
#include "helpers/table.h"
#include "jit/disasm.h"
#include "jit/jit.h"
#include "verifier/verifier.h"
#include "vm/asm.h"
#include "vm/helper_desc.h"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;
using Programs = std::vector<const vm::LoadedProgram*>;

// One instruction with the name of the helper it calls.
std::string instruction_text(const vm::LoadedProgram& program, std::size_t slot) {
  std::string text = vm::disassemble(program.insns, slot);
  const vm::InsnRow* const row = vm::find(program.insns[slot]);
  if (row == nullptr || row->kind != vm::Kind::kCallHelper) return text;
  const std::string_view name = vm::kernel_helper_name(program.insns[slot].imm);
  return name.empty() ? text : fmt::format("{:<32}# {}", text, name);
}

unsigned slots_at(const vm::LoadedProgram& program, std::size_t slot) {
  const vm::InsnRow* const row = vm::find(program.insns[slot]);
  return row == nullptr ? 1 : vm::slots(*row);
}

std::string place(const vm::SourceLine& line) { return fmt::format("{}:{}:{}", line.file, line.line, line.column); }

// `each(slot, new source line or null, name of the sub-program that starts or null)`.
template <typename Each>
void walk(const vm::LoadedProgram& program, Each each) {
  const vm::SourceLine* last = nullptr;
  std::size_t subprogram = 0;
  for (std::size_t slot = 0; slot < program.insns.size(); slot += slots_at(program, slot)) {
    const std::string* start = nullptr;
    if (subprogram < program.subprograms.size() && program.subprograms[subprogram].start == slot) {
      start = &program.subprograms[subprogram++].name;
    }
    const vm::SourceLine* const line = program.line_at(static_cast<std::uint32_t>(slot));
    each(slot, line != last ? line : nullptr, start);
    last = line;
  }
}

void print_header(const vm::LoadedProgram& program) {
  fmt::print("# program {}, section {}, {} slots\n", program.name, program.section, program.insns.size());
}

void print_place(const vm::SourceLine* line, const std::string* start) {
  if (start != nullptr && !start->empty()) fmt::print("# {}()\n", *start);
  if (line != nullptr) fmt::print("# {}  {}\n", place(*line), line->text);
}

int dump_bpf(const Programs& programs, bool json) {
  Json all = Json::array();
  for (const vm::LoadedProgram* program : programs) {
    Json insns = Json::array();
    if (!json) print_header(*program);
    walk(*program, [&](std::size_t slot, const vm::SourceLine* line, const std::string* start) {
      if (json) {
        insns.push_back({{"slot", slot}, {"text", vm::disassemble(program->insns, slot)}});
        if (line != nullptr) insns.back()["source"] = place(*line);
      } else {
        print_place(line, start);
        fmt::print("    {:<60} # {}\n", instruction_text(*program, slot), slot);
      }
    });
    all.push_back({{"program", program->name}, {"section", program->section}, {"insns", insns}});
  }
  if (json) fmt::print("{}\n", all.dump(2, ' ', false, Json::error_handler_t::replace));
  return kOk;
}

std::string hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte byte : bytes) text += fmt::format("{:02x}", static_cast<unsigned>(byte));
  return text;
}

Json jit_rows(const vm::LoadedProgram& program, const jit::CompiledProgram& compiled) {
  Json insns = Json::array();
  const auto offsets = compiled.offsets();
  walk(program, [&](std::size_t slot, const vm::SourceLine*, const std::string*) {
    const std::size_t next = slot + slots_at(program, slot);
    insns.push_back({{"slot", slot},
                     {"offset", offsets[slot]},
                     {"code", hex(compiled.code().subspan(offsets[slot], offsets[next] - offsets[slot]))}});
  });
  return insns;
}

void print_jit(const vm::LoadedProgram& program, const jit::CompiledProgram& compiled) {
  print_header(program);
  const auto offsets = compiled.offsets();
  const auto print_part = [&](std::uint32_t from, std::uint32_t to) {
    const auto part = compiled.code().subspan(from, to - from);
    fmt::print("{}", jit::disassemble(part, from, reinterpret_cast<std::uint64_t>(part.data())));
  };
  fmt::print("# {} bytes of machine code\n", compiled.code().size());
  print_part(0, offsets.front());
  walk(program, [&](std::size_t slot, const vm::SourceLine* line, const std::string* start) {
    print_place(line, start);
    const std::size_t next = slot + slots_at(program, slot);
    fmt::print("    {:<60} # {}\n", instruction_text(program, slot), slot);
    print_part(offsets[slot], offsets[next]);
  });
}

int dump_jit(const OpenObject& opened, const Programs& programs, bool json) {
  Json all = Json::array();
  for (const vm::LoadedProgram* program : programs) {
    if (const auto usable = check_maps(opened, *program); !usable) return fail(usable.error());
    const vm::LoadedProgram bound = vm::bind(*program, opened.maps);
    verifier::Outcome outcome = verifier::verify(bound, helpers::table());
    if (!outcome.accepted()) {
      fmt::print(stderr, "{}", verifier::render(outcome.rejection(), bound));
      return kRejected;
    }
    const vm::VerifiedProgram verified = std::move(outcome).take();
    const auto compiled = jit::compile(verified, helpers::table());
    if (!compiled) return fail(compiled.error());
    if (json) {
      all.push_back({{"program", program->name},
                     {"bytes", compiled->code().size()},
                     {"insns", jit_rows(verified.program(), *compiled)}});
    } else {
      print_jit(verified.program(), *compiled);
    }
  }
  if (json) fmt::print("{}\n", all.dump(2));
  return kOk;
}

// Slots at which a basic block starts.
std::set<std::size_t> block_starts(const vm::LoadedProgram& program) {
  std::set<std::size_t> starts{0};
  const auto add = [&](std::int64_t slot) {
    if (slot >= 0 && slot < static_cast<std::int64_t>(program.insns.size()))
      starts.insert(static_cast<std::size_t>(slot));
  };
  for (const vm::Subprogram& subprogram : program.subprograms) add(subprogram.start);
  for (std::size_t slot = 0; slot < program.insns.size(); slot += slots_at(program, slot)) {
    const vm::InsnRow* const row = vm::find(program.insns[slot]);
    if (row == nullptr) continue;
    const auto next = static_cast<std::int64_t>(slot) + 1;
    if (row->kind == vm::Kind::kGoto || row->kind == vm::Kind::kBranch) {
      add(next + vm::jump_distance(*row, program.insns[slot]));
      add(next);
    }
    if (row->kind == vm::Kind::kExit) add(next);
  }
  return starts;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

// Edges of the block whose last instruction stands at `last`.
void print_edges(const vm::LoadedProgram& program, std::size_t index, std::size_t start, std::size_t last) {
  const vm::Insn& insn = program.insns[last];
  const vm::InsnRow* const row = vm::find(insn);
  const auto size = static_cast<std::int64_t>(program.insns.size());
  const auto edge = [&](std::int64_t to, std::string_view label) {
    if (to >= 0 && to < size) fmt::print("    p{}_{} -> p{}_{}{};\n", index, start, index, to, label);
  };
  const std::int64_t next = static_cast<std::int64_t>(last) + slots_at(program, last);
  const bool jumps = row != nullptr && (row->kind == vm::Kind::kGoto || row->kind == vm::Kind::kBranch);
  if (jumps) {
    edge(next + vm::jump_distance(*row, insn), row->kind == vm::Kind::kBranch ? " [label=\"true\"]" : "");
    if (row->kind == vm::Kind::kBranch) edge(next, " [label=\"false\"]");
  } else if (row == nullptr || row->kind != vm::Kind::kExit) {
    edge(next, "");
  }
}

int dump_cfg(const Programs& programs) {
  fmt::print("digraph cfg {{\n  node [shape=box, fontname=monospace];\n");
  for (std::size_t index = 0; index < programs.size(); ++index) {
    const vm::LoadedProgram& program = *programs[index];
    fmt::print("  subgraph cluster_{} {{\n    label=\"{}\";\n", index, escaped(program.name));
    const std::set<std::size_t> starts = block_starts(program);
    for (auto at = starts.begin(); at != starts.end(); ++at) {
      const std::size_t end = std::next(at) == starts.end() ? program.insns.size() : *std::next(at);
      std::string text;
      std::size_t last = *at;
      for (std::size_t slot = *at; slot < end; slot += slots_at(program, slot)) {
        text += fmt::format("{}: {}\\l", slot, escaped(vm::disassemble(program.insns, slot)));
        last = slot;
      }
      fmt::print("    p{}_{} [label=\"{}\"];\n", index, *at, text);
      if (*at < end) print_edges(program, index, *at, last);
    }
    fmt::print("  }}\n");
  }
  fmt::print("}}\n");
  return kOk;
}

int dump_btf(const vm::ElfObject& object) {
  if (object.btf == nullptr) return fail({ErrorCode::kProgram, object.path + " has no BTF; build it with clang -g"});
  fmt::print("{}", object.btf->to_c());
  return kOk;
}

}  // namespace

int prog_dump(const ProgDump& options) {
  const bool known = options.what == "bpf" || options.what == "jit" || options.what == "btf" || options.what == "cfg";
  if (!known)
    return fail({ErrorCode::kUsage, fmt::format("cannot dump '{}', expected bpf, jit, btf or cfg", options.what)});
  const OpenOptions open{.unset_is_one = true,
                         .program = options.program,
                         .btf = options.btf,
                         .kconfig = options.kconfig,
                         .type = options.type};
  const auto object = load_object(options.object, open);
  if (!object) return fail(object.error());
  if (options.what == "btf") return dump_btf(*object);
  Programs programs;
  if (options.program.empty()) {
    for (const vm::LoadedProgram& program : object->programs) programs.push_back(&program);
  } else {
    const auto chosen = choose_program(*object, options.program);
    if (!chosen) return fail(chosen.error());
    programs.push_back(*chosen);
  }
  if (programs.empty()) return fail({ErrorCode::kUsage, no_program(*object)});
  if (options.what == "bpf") return dump_bpf(programs, options.common.json);
  if (options.what == "cfg") return dump_cfg(programs);
  const auto opened = open_object(options.object, open);
  if (!opened) return fail(opened.error());
  return dump_jit(*opened, programs, options.common.json);
}

}  // namespace sluice::cli
