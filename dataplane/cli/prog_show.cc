// sluice prog show OBJ: the programs and maps of an object.
#include <cstdio>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "dataplane/cli/common.h"
#include "dataplane/cli/verbs.h"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

void print_json(const vm::ElfObject& object) {
  Json programs = Json::array();
  for (const vm::LoadedProgram& program : object.programs) {
    programs.push_back({{"name", program.name},
                        {"section", program.section},
                        {"type", program.type->name},
                        {"frags", program.frags},
                        {"insns", program.insns.size()},
                        {"subprograms", program.subprograms.size()},
                        {"license", program.license}});
  }
  Json maps = Json::array();
  for (const vm::MapDecl& map : object.maps) {
    maps.push_back({{"name", map.spec.name},
                    {"type", vm::map_type_name(map.spec.type)},
                    {"key_size", map.spec.key_size},
                    {"value_size", map.spec.value_size},
                    {"max_entries", map.spec.max_entries},
                    {"flags", map.spec.flags},
                    {"pin_by_name", map.spec.pin_by_name}});
  }
  Json others = Json::array();
  for (const vm::ListedProgram& other : object.others) {
    Json type = nullptr;
    if (!other.type.empty()) type = other.type;
    Json why = nullptr;
    if (!other.why.empty()) why = other.why;
    others.push_back(
        {{"name", other.name}, {"section", other.section}, {"type", type}, {"insns", other.insns}, {"why", why}});
  }
  Json unread = object.unread_maps;
  const Json all{{"version", 1},
                 {"object", object.path},
                 {"license", object.license},
                 {"programs", programs},
                 {"maps", maps},
                 {"other_sections", object.other_sections},
                 {"other_programs", others},
                 {"unread_maps", unread}};
  fmt::print("{}\n", all.dump(2, ' ', false, Json::error_handler_t::replace));
}

void print_text(const vm::ElfObject& object) {
  for (const vm::LoadedProgram& program : object.programs) {
    fmt::print("program  {:<24} section {:<16} {:<11} {:>6} insns  {:>2} sub-programs{}\n", program.name,
               program.section, program.type->name, program.insns.size(), program.subprograms.size(),
               program.frags ? "  frags" : "");
  }
  for (const vm::ListedProgram& other : object.others) {
    fmt::print("program  {:<24} section {:<16} {:<11} {:>6} insns  {}\n", other.name, other.section,
               other.type.empty() ? "unknown" : other.type, other.insns,
               other.why.empty() ? "of a type that is not run here" : "cannot be linked: " + other.why);
  }
  for (const vm::MapDecl& map : object.maps) {
    const auto name = vm::map_type_name(map.spec.type);
    fmt::print("map      {:<24} {:<24} key {:>3} B  value {:>5} B  max_entries {:>8}  flags {:#x}{}\n", map.spec.name,
               name.empty() ? fmt::format("type {}", static_cast<std::uint32_t>(map.spec.type)) : std::string(name),
               map.spec.key_size, map.spec.value_size, map.spec.max_entries, map.spec.flags,
               map.spec.pin_by_name ? "  pinned by name" : "");
  }
  for (const std::string& why : object.unread_maps) fmt::print("map      cannot be read: {}\n", why);
  fmt::print("license  {}\n", object.license.empty() ? "none" : object.license);
}

}  // namespace

int prog_show(const ProgShow& options) {
  const auto object = vm::load_elf(options.object, {.list_only = true});
  if (!object) return fail(object.error());
  if (options.common.json) {
    print_json(*object);
  } else {
    print_text(*object);
  }
  return kOk;
}

}  // namespace sluice::cli
