// JSON Schema (draft-07) from the table of keys. It says what one file may hold; it cannot know names of other sections
// and allows null wherever a file that includes others may take a key away.
#include <nlohmann/json.hpp>

#include "dataplane/config/config.h"
#include "dataplane/config/schema.h"

namespace sluice::config {
namespace {

using Json = nlohmann::ordered_json;
using Kind = Shape::Kind;

Json object_schema(std::span<const Row> rows);

Json or_null(Json schema) {
  if (schema.contains("type") && schema["type"].is_string() && !schema.contains("enum")) {
    schema["type"] = Json::array({schema["type"], "null"});
    return schema;
  }
  if (schema.empty()) return schema;
  return {{"anyOf", Json::array({std::move(schema), Json{{"type", "null"}}})}};
}

Json named_schema(Json item) {
  return {{"type", "object"},
          {"propertyNames", {{"anyOf", Json::array({Json{{"pattern", std::string(kNamePattern)}}})}}},
          {"additionalProperties", or_null(std::move(item))}};
}

Json entries_schema(std::span<const Row> rows) {
  return {{"anyOf", Json::array({Json{{"type", "array"}, {"items", object_schema(rows)}}, Json{{"type", "object"}}})}};
}

Json text_schema(const Shape& shape) {
  Json out = {{"type", "string"}};
  if (shape.pattern.empty()) {
    out["minLength"] = 1;
  } else {
    out["pattern"] = shape.pattern;
  }
  return out;
}

Json value_schema(const Shape& shape) {
  switch (shape.kind) {
    case Kind::kText: return text_schema(shape);
    case Kind::kBool: return {{"type", "boolean"}};
    case Kind::kNumber: return {{"type", "integer"}, {"minimum", shape.min}, {"maximum", shape.max}};
    case Kind::kChoice: return {{"enum", Json(shape.choices)}};
    case Kind::kObject: return object_schema(shape.rows);
    case Kind::kNamed: return named_schema(object_schema(shape.rows));
    case Kind::kList:
      return {{"type", "array"}, {"items", shape.rows.empty() ? text_schema(shape) : object_schema(shape.rows)}};
    case Kind::kAny: return Json::parse(shape.json);
    case Kind::kSpecial: return shape.json == "entries" ? entries_schema(shape.rows) : Json::parse(shape.json);
  }
  return Json::object();
}

Json object_schema(std::span<const Row> rows) {
  Json properties = Json::object();
  Json required = Json::array();
  for (const Row& row : rows) {
    Json schema = value_schema(row.shape);
    if (row.required) {
      required.push_back(row.key);
    } else {
      schema = or_null(std::move(schema));
    }
    std::string description(row.doc);
    if (!row.fallback.empty()) description += " Default: " + std::string(row.fallback) + ".";
    schema["description"] = description;
    properties[std::string(row.key)] = std::move(schema);
  }
  Json out = {{"type", "object"}, {"additionalProperties", false}, {"patternProperties", {{"^x-", Json::object()}}}};
  if (!required.empty()) out["required"] = std::move(required);
  out["properties"] = std::move(properties);
  return out;
}

}  // namespace

std::string json_schema() {
  Json out = {{"$schema", "http://json-schema.org/draft-07/schema#"}, {"title", "sluice pipeline"}};
  out.update(object_schema(pipeline_rows()));
  return out.dump(1) + "\n";
}

}  // namespace sluice::config
