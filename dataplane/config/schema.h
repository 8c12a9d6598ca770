#pragma once
// The table of every key of a pipeline file. One row is the reader of its value, its entry in the JSON Schema and its
// line in docs/config.md. To add a key: a member in config.h and a row in schema.cc. Constant: any thread.
#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/config/config.h"

namespace sluice::config {

class Builder;
struct Row;

// What a value may be. The reader, the JSON Schema and the documentation all follow it.
struct Shape {
  enum class Kind : std::uint8_t {
    kText,     // not empty; `pattern` and `valid` narrow it
    kBool,     //
    kNumber,   // min..max
    kChoice,   // one of `choices`
    kObject,   // keys of `rows`
    kNamed,    // name -> object of `rows`
    kList,     // of objects of `rows`, of text when there are no rows
    kAny,      // what it means is decided elsewhere
    kSpecial,  // `json` says it and the row's `store` checks it
  } kind = Kind::kAny;
  std::uint64_t min = 0, max = 0;
  std::string_view unit;  // of a number, for messages
  std::span<const std::string_view> choices;
  std::string_view pattern;                   // of text: ECMA 262, for the JSON Schema
  bool (*valid)(std::string_view) = nullptr;  // the same test for the reader; null = anything
  std::span<const Row> rows;
  std::string_view json;   // kSpecial, kAny: JSON Schema of the value
  std::string_view words;  // what is expected, for messages and docs: "a list of cores such as \"2-5,7\""
};

struct Row {
  std::string_view key;
  Shape shape;
  // Reads a value into the struct that the table is about.
  void (*store)(Builder& builder, const Value& value, const Row& row, void* target) = nullptr;
  std::string_view doc;       // one sentence
  std::string_view fallback;  // what holds when the key is absent; empty = nothing
  bool required = false;
};

std::span<const Row> pipeline_rows() noexcept;  // target: Config
std::span<const Row> fixture_rows() noexcept;   // target: Fixture

// What a value of this shape is called: "a whole number 68..9190 (bytes)".
std::string expected(const Shape& shape);
// Names of ports, programs, pipelines and maps.
constexpr std::string_view kNamePattern = "^[A-Za-z0-9_.][A-Za-z0-9_.-]{0,62}$";
bool is_name(std::string_view text) noexcept;

}  // namespace sluice::config
