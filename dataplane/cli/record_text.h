#pragma once
// Records of perf arrays and ring buffers as they are printed: a line of text with a dump below it where no type tells
// what the bytes mean, or a JSON object. Control path, one thread.
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "dataplane/pipeline/rings.h"
#include "vm/btf.h"

namespace sluice::cli {

// A map whose records are shown.
struct RecordMap {
  std::string name;
  std::shared_ptr<const vm::Btf> btf;  // null without BTF
  std::uint32_t type = 0;              // of what a record begins with, in `btf`; 0 = unknown
};

// `words` are of --type or --record-type: NAME for all maps whose object knows it, or MAP=NAME. kUsage when one fits no
// map.
Result<void> set_types(std::span<RecordMap* const> maps, std::span<const std::string> words);

// What is known of a record beyond itself.
struct RecordOrigin {
  std::optional<std::uint64_t> time_ns;
  std::string_view port;  // empty = unknown
};
// Ends with a line end.
std::string record_text(const pipeline::RingRecord& record, const RecordMap& map, const RecordOrigin& origin = {});
// {"time_ns", "port", "map", "cpu", "size", "of_frame", "value", "hex"}; without the first two when they are unknown.
nlohmann::ordered_json record_json(const pipeline::RingRecord& record, const RecordMap& map,
                                   const RecordOrigin& origin = {});

}  // namespace sluice::cli
