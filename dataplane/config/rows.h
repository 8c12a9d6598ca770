#pragma once
// What rows of the schema have in common: read a leaf into a member, and the shapes of leaves. Internal to
// dataplane/config.
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "dataplane/config/builder.h"
#include "dataplane/config/schema.h"

namespace sluice::config {

// The rows of `fib:`, schema_fib.cc. Target: Fib.
extern const Row kFibRows[3];
// Those of an entry of `sockets:` and what reads them all, schema_sockets.cc. Targets: Socket, Config.
extern const Row kSocketRows[8];
void put_sockets(Builder& b, const Value& value, const Row& row, void* target);
// Those of an entry of `pipelines:`, schema_pipeline.cc, and what reads them all. Targets: Pipeline, Config.
extern const Row kPipelineRows[5];
void put_pipelines(Builder& b, const Value& value, const Row& row, void* target);

inline void wrong_kind(Builder& b, const Value& value, std::string_view words, std::string_view of = {}) {
  b.error(value.mark, "config-type", fmt::format("{}expected {}, got {}", of, words, describe(value)));
}

template <typename Class, typename Member>
Class owner_of(Member Class::*);

template <auto Member>
auto& member_of(void* target) {
  return static_cast<decltype(owner_of(Member))*>(target)->*Member;
}

template <auto Member>
void put_text(Builder& b, const Value& value, const Row& row, void* target) {
  if (auto text = b.text(value, row.shape)) member_of<Member>(target) = std::move(*text);
}

template <auto Member>
void put_plain_text(Builder& b, const Value& value, const Row& row, void* target) {
  if (auto text = b.text(value, row.shape)) member_of<Member>(target) = std::move(text->value);
}

template <auto Member>
void put_path(Builder& b, const Value& value, const Row& row, void* target) {
  if (auto path = b.path(value, row.shape)) member_of<Member>(target) = std::move(*path);
}

template <auto Member>
void put_number(Builder& b, const Value& value, const Row& row, void* target) {
  if (const auto number = b.number(value, row.shape)) member_of<Member>(target) = static_cast<std::uint32_t>(*number);
}

template <auto Member>
void put_bool(Builder& b, const Value& value, const Row&, void* target) {
  const auto said = b.boolean(value);
  if (!said) return;
  const bool truth = *said;
  member_of<Member>(target) = truth;
}

// The choices stand in the order of the enumerators.
template <auto Member>
void put_choice(Builder& b, const Value& value, const Row& row, void* target) {
  auto& member = member_of<Member>(target);
  if (const auto index = b.choice(value, row.shape)) member = static_cast<std::decay_t<decltype(member)>>(*index);
}

template <auto Member>
void put_word(Builder& b, const Value& value, const Row& row, void* target) {
  if (const auto index = b.choice(value, row.shape)) {
    auto& member = member_of<Member>(target);
    if constexpr (std::is_same_v<std::decay_t<decltype(member)>, Text>) {
      member = {std::string(row.shape.choices[*index]), value.mark};
    } else {
      member = row.shape.choices[*index];
    }
  }
}

template <auto Member>
void put_texts(Builder& b, const Value& value, const Row& row, void* target) {
  b.list(value, [&](const Value& item) {
    if (auto text = b.text(item, row.shape)) member_of<Member>(target).push_back(std::move(*text));
  });
}

template <auto Member>
void put_object(Builder& b, const Value& value, const Row& row, void* target) {
  b.object(value, row.shape.rows, &member_of<Member>(target));
}

// name -> struct with `name` and `mark`
template <auto Member>
void put_named(Builder& b, const Value& value, const Row& row, void* target) {
  b.named(value, [&](const Text& name, const Value& item) {
    auto& made = member_of<Member>(target).emplace_back();
    made.name = name;
    made.mark = name.mark;
    b.object(item, row.shape.rows, &made);
  });
}

inline constexpr Shape kAnyText{.kind = Shape::Kind::kText};
inline constexpr Shape kTrueOrFalse{.kind = Shape::Kind::kBool};

constexpr Shape number_from(std::uint64_t min, std::uint64_t max, std::string_view unit = {}) {
  return {.kind = Shape::Kind::kNumber, .min = min, .max = max, .unit = unit};
}
constexpr Shape object_of(std::span<const Row> rows) { return {.kind = Shape::Kind::kObject, .rows = rows}; }
constexpr Shape one_of(std::span<const std::string_view> choices) {
  return {.kind = Shape::Kind::kChoice, .choices = choices};
}
constexpr Shape named(std::span<const Row> rows) { return {.kind = Shape::Kind::kNamed, .rows = rows}; }
constexpr Shape texts() { return {.kind = Shape::Kind::kList}; }

template <auto Member>
void put_mac(Builder& b, const Value& value, const Row& row, void* target) {
  const auto text = b.text(value, row.shape);
  if (!text) return;
  const auto mac = mac_address(text->value);
  if (!mac) {
    b.error(value.mark, "config-range", fmt::format("'{}' is not {}", text->value, row.shape.words));
  } else if (((*mac)[0] & 1U) != 0) {
    b.error(value.mark, "config-range", "a group address cannot be a port's own");
  } else {
    member_of<Member>(target) = *mac;
  }
}

inline constexpr Shape kMac{.kind = Shape::Kind::kSpecial,
                            .json = R"({"type": "string", "pattern": "^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$"})",
                            .words = "a MAC address such as \"02:00:00:00:00:01\""};

}  // namespace sluice::config
