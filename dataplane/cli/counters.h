#pragma once
// Counters as the verbs that move frames print them: tables for people, JSON for programs. Control path, one thread.
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "dataplane/pipeline/pipeline.h"
#include "dataplane/pipeline/rings.h"
#include "dataplane/pipeline/stats.h"

namespace sluice::cli {

// Rows of cells, the first column to the left and numbers to the right; each line ends with a line end.
std::string table(const std::vector<std::vector<std::string>>& rows);

std::string ports_table(const pipeline::Pipeline& pipeline, const pipeline::Stats& stats);
// Stages that ran, by verdict, with a line of sums: on the way in, and on the way out when any did. Begins with an
// empty line, as drops_table does; both are empty when there is nothing to tell.
std::string stages_tables(const pipeline::Pipeline& pipeline, const pipeline::Stats& stats);
std::string drops_table(const pipeline::Pipeline& pipeline, const pipeline::Stats& stats);
// Maps whose records were read: how many, and how many found no room. As drops_table; empty when there is no such map.
std::string rings_table(const pipeline::Pipeline& pipeline, const std::vector<pipeline::RingCounters>& rings);
// "N frames read + N cloned = N sent + N dropped", where `verb` is "read".
std::string sum_line(const pipeline::Stats& stats, std::string_view verb);

nlohmann::ordered_json stages_json(const pipeline::Pipeline& pipeline,
                                   const std::vector<pipeline::StageCounters>& stages);
nlohmann::ordered_json rings_json(const pipeline::Pipeline& pipeline, const std::vector<pipeline::RingCounters>& rings);
nlohmann::ordered_json drops_json(const pipeline::Stats& stats);

}  // namespace sluice::cli
