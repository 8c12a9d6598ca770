#include "dataplane/pipeline/inner_map.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "base/diagnostics.h"
#include "vm/maps/registry.h"

namespace sluice::pipeline {

std::string set_inner(const config::Map& map, vm::MapSpec& spec) {
  if (!map.inner) return {};
  if (spec.type != vm::MapType::kArrayOfMaps && spec.type != vm::MapType::kHashOfMaps) {
    return fmt::format("map {} is {}, and only maps of maps have others inside", spec.name,
                       vm::map_type_name(spec.type));
  }
  std::vector<std::string_view> names;
  for (const vm::MapTypeRow& row : vm::map_types()) {
    if (row.rules.may_be_inner) names.push_back(vm::map_type_name(row.type));
  }
  const auto named = std::ranges::find(vm::map_types(), map.inner->type.value,
                                       [](const vm::MapTypeRow& row) { return vm::map_type_name(row.type); });
  if (named == vm::map_types().end() || !named->rules.may_be_inner) {
    const std::string_view near = nearest(map.inner->type.value, names);
    return fmt::format("map {}: '{}' is no type of map that can be inside another{}", spec.name,
                       printable(map.inner->type.value),
                       near.empty() ? std::string() : fmt::format("; did you mean '{}'?", near));
  }
  vm::MapSpec inner;
  inner.name = spec.name + ".inner";
  inner.type = named->type;
  inner.key_size = map.inner->key_size;
  inner.value_size = map.inner->value_size;
  inner.max_entries = map.inner->max_entries;
  inner.flags = map.inner->flags;
  if (std::string why; vm::check_map(*named, inner, why) != 0) return fmt::format("map {}: {}", inner.name, why);
  if (spec.inner != nullptr && !(vm::may_stand_for(*spec.inner, inner) && vm::may_stand_for(inner, *spec.inner))) {
    return fmt::format("map {}: the object says already what is inside, and it is not this", spec.name);
  }
  if (spec.inner == nullptr) spec.inner = std::make_shared<const vm::MapSpec>(std::move(inner));
  return {};
}

}  // namespace sluice::pipeline
