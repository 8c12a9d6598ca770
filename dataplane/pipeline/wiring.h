#pragma once
// Second half of loading: prog arrays, devmap programs, and whether every path through the chains ends somewhere. Used
// by loader.cc alone. Control path.
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/pipeline/objects.h"
#include "dataplane/pipeline/pipeline.h"

namespace sluice::pipeline {

class Wiring {
 public:
  // `stages` holds one a program of the configuration, null where it was rejected.
  Wiring(const LoadContext& context, const ObjectSet& objects, const std::vector<std::unique_ptr<Stage>>& stages);

  // Fills prog arrays from `tail_calls:`.
  void fill_prog_arrays();
  // Attaches `program:` of devmap entries.
  void attach_devmap_programs();
  // `pipelines:` and `attach:` as chains and ports; says what is missing, unused or out of reach.
  [[nodiscard]] std::vector<Chain> make_chains() const;
  std::vector<Port> make_ports();
  void check_reach();

 private:
  struct Slot {  // one line of `tail_calls:`; one without pipeline and line is implied by the object
    const config::Pipeline* pipeline = nullptr;
    const config::TailCall* line = nullptr;
    std::string map;
    vm::ProgArray* array = nullptr;
    std::uint32_t index = 0;
    std::size_t program = 0;
  };
  struct Use {
    bool ingress = false, egress = false;
  };
  using Called = std::pair<const vm::Map*, std::uint32_t>;

  [[nodiscard]] std::size_t program_index(const config::Text& name) const;
  void add_implied();
  void fill_implied(const Slot& slot);
  void fill_array(const config::Pipeline& pipeline, const config::Text& map,
                  const std::vector<config::TailCall>& calls);
  std::optional<std::uint32_t> slot_number(const config::Text& slot, const ObjectSet::Found& found,
                                           const std::string& where) const;
  void attach_program(const config::Map& map, const config::MapEntry& entry, const ObjectSet::Found& found);
  void attach(const config::Attach& line, std::vector<Port>& ports);
  void check_entry(const config::Pipeline& pipeline, const config::Text& use, bool egress);
  // Stages reachable from `entry`, in order of discovery; notes the slots called on the way.
  std::vector<std::size_t> reach(const std::string& pipeline, std::size_t entry);
  void follow(const std::string& pipeline, std::size_t from, std::vector<std::size_t>& reached);
  // Says who lets frames pass by a verdict in `passes`, a mask as Facts::may_return; false when somebody does.
  bool check_pass(const config::Pipeline& pipeline, const std::vector<std::size_t>& reached,
                  std::uint32_t passes) const;
  // All stages that the pipeline reaches; frames that pass must have somewhere to go when it `takes_frames`.
  std::vector<std::size_t> check_pipeline(const config::Pipeline& pipeline, bool takes_frames);
  // Programs that frames enter first: the entry, or all of a chain.
  [[nodiscard]] std::vector<std::size_t> entries(const config::Pipeline& pipeline) const;
  // Warns of a chain in which libxdp would run the programs in another order.
  void check_order(const config::Pipeline& pipeline) const;
  // Those of its `chain:`; programs that could not be loaded are left out.
  [[nodiscard]] std::vector<Link> make_links(const config::Pipeline& pipeline) const;

  const LoadContext& context_;
  const ObjectSet& objects_;
  const std::vector<std::unique_ptr<Stage>>& stages_;
  std::vector<Slot> slots_;
  std::map<Called, const Slot*> filled_;
  std::set<Called> called_;
  std::vector<std::size_t> devmap_programs_;
  std::map<std::string, Use, std::less<>> uses_;
};

}  // namespace sluice::pipeline
