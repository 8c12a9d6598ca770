#pragma once
// First half of loading: objects, their globals and their maps. Used by loader.cc alone. Control path.
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/config/config.h"
#include "dataplane/pipeline/loader.h"
#include "dataplane/pipeline/tails.h"
#include "dataplane/pipeline/values.h"
#include "vm/elf.h"

namespace sluice::pipeline {

// What every step of loading needs.
struct LoadContext {
  const config::Config& config;
  const config::Sources& sources;
  const LoadOptions& options;
  LoadReport& report;
  PortNumbers ports;
  std::vector<ImpliedTail> tails;
  std::size_t told = 0;  // the programs of the configuration that the file names; those behind are implied

  void error(const config::Mark& mark, std::string code, std::string message) const {
    report.diagnostics.add(sources.at(mark, std::move(code), std::move(message)));
  }
  void warn(const config::Mark& mark, std::string code, std::string message) const {
    Diagnostic diagnostic = sources.at(mark, std::move(code), std::move(message));
    diagnostic.severity = Severity::kWarning;
    report.diagnostics.add(std::move(diagnostic));
  }
  [[nodiscard]] ValueReader values() const {
    return {.ports = ports, .sources = sources, .diagnostics = report.diagnostics};
  }
};

struct Object {
  vm::ElfObject elf;
  // As elf.maps; shared ones are the shared instance; null where neither a program asked for nor the configuration
  // names the map.
  std::vector<std::shared_ptr<vm::Map>> maps;
  const config::Program* first = nullptr;  // the first program that names it
};

// Objects by canonical path, and which one each program of the configuration comes from.
class ObjectSet {
 public:
  // Loads what `config.programs` name. Mistakes go to the report; what is missing then is null.
  explicit ObjectSet(const LoadContext& context);

  // The object of the program at `index` of config.programs, or null when it could not be loaded.
  [[nodiscard]] Object* of_program(std::size_t index) const noexcept { return by_program_[index]; }
  // The function it names there, or null.
  [[nodiscard]] const vm::LoadedProgram* function(std::size_t index) const noexcept { return functions_[index]; }

  // Writes `globals:` into the objects' data sections. Before make_maps.
  void set_globals();
  // Makes the maps, one instance a group of objects that share it. False when some could not be made.
  bool make_maps();
  // Writes `maps.X.entries` and `file`. After make_maps. Programs of devmap entries are attached by the wiring.
  void fill_maps();

  // Distinct maps with this name among the objects of the given programs.
  struct Found {
    std::shared_ptr<vm::Map> map;
    const Object* object = nullptr;
    const vm::MapDecl* declaration = nullptr;
  };
  [[nodiscard]] std::vector<Found> find_map(std::string_view name, const std::vector<std::size_t>& programs) const;
  [[nodiscard]] std::vector<NamedMap> all_maps() const;

 private:
  struct Member {
    Object* object = nullptr;
    std::size_t index = 0;  // of the map in its object
  };
  struct Group {
    std::vector<Member> members;             // those that share one instance
    std::vector<const config::Map*> config;  // what the configuration says of it; several when they have one `pin`
    std::string_view pin;                    // empty = none
  };

  [[nodiscard]] vm::ElfOptions types_for(const std::string& path) const;
  Object* load(std::size_t index);
  void find_function(std::size_t index);
  void set_global(Object& object, const config::Program& program, const config::Text& name, const config::Value& value);
  [[nodiscard]] std::vector<Member> declarations(std::string_view name) const;
  [[nodiscard]] std::shared_ptr<vm::Map> inner_map(const Object& first, std::string_view name) const;
  bool link_maps();
  void group_maps();
  void group_config(const config::Map& map);
  std::vector<Member> sharers(const config::Map& map, const std::vector<Member>& declared);
  void group_pinned();
  void add(Group group);
  [[nodiscard]] bool same_layout(Group& group) const;
  [[nodiscard]] std::map<const Object*, std::vector<bool>> needed_maps() const;

  const LoadContext& context_;
  std::vector<std::string> paths_;  // canonical, of each program's object
  std::map<std::string, std::unique_ptr<Object>> by_path_;
  std::vector<Object*> by_program_;
  std::vector<const vm::LoadedProgram*> functions_;
  std::vector<Group> groups_;
  std::set<const vm::Map*> unread_;              // `reader: false`
  std::shared_ptr<const vm::Btf> kernel_types_;  // null = those built in
  struct Written {
    const config::Text* name = nullptr;
    std::vector<std::byte> bytes;
  };
  std::map<std::pair<const Object*, std::string>, Written> written_;
  std::map<std::string, bool, std::less<>> failed_paths_;
};

// The map that entries of a map of maps mean by a name, or null.
using MapFinder = std::function<std::shared_ptr<vm::Map>(std::string_view name)>;

// Whether `reader:` may be said of the map; false after saying why not.
bool check_reader(const LoadContext& context, const config::Map& config, const vm::Map& map);
// maps.X: entries and file into one map instance.
void fill_map(const LoadContext& context, const config::Map& config, vm::Map& map, const vm::Btf* btf,
              const MapFinder& find);

}  // namespace sluice::pipeline
