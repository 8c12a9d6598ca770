#include "dataplane/config/builder.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

namespace sluice::config {

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
  const std::string_view best = nearest(word, candidates);
  return best.empty() ? std::string() : fmt::format("; did you mean '{}'?", best);
}

std::string relative_to(const std::string& file, const std::string& name) {
  if (file.starts_with(kSetFile)) return name;
  const std::filesystem::path directory = std::filesystem::path(file).parent_path();
  return directory.empty() ? name : (directory / name).string();
}

void Builder::error(const Mark& mark, std::string code, const std::string& message) {
  if (diagnostics_.errors() >= kMostMistakes) {
    if (diagnostics_.errors() == kMostMistakes) {
      diagnostics_.add({.file = mark.file, .code = "config-many", .message = "more mistakes than are shown"});
    }
    return;
  }
  std::string where;
  for (const std::string& part : path_) {
    if (!where.empty() && !part.starts_with('[')) where += '.';
    where += part;
  }
  diagnostics_.add(sources_.at(mark, std::move(code), where.empty() ? message : fmt::format("{}: {}", where, message)));
}

std::optional<Text> Builder::key(const Value& value) {
  if (value.kind == Value::Kind::kScalar && !value.scalar.empty()) return Text{value.scalar, value.mark};
  error(value.mark, "config-key", fmt::format("a key must be a name or a number, not {}", describe(value)));
  return std::nullopt;
}

void Builder::object(const Value& value, std::span<const Row> rows, void* target) {
  if (value.kind != Value::Kind::kMapping) {
    error(value.mark, "config-type", fmt::format("expected a mapping, got {}", describe(value)));
    return;
  }
  for (const auto& [name, field] : value.fields) {
    if (name.kind == Value::Kind::kScalar && name.scalar.starts_with("x-")) continue;
    const std::optional<Text> known = key(name);
    if (!known) continue;
    const auto row = std::ranges::find(rows, std::string_view(known->value), &Row::key);
    path_.push_back(known->value);
    if (row == rows.end()) {
      std::vector<std::string_view> keys;
      for (const Row& each : rows) keys.push_back(each.key);
      error(name.mark, "config-key", "unknown key" + did_you_mean(known->value, keys));
    } else if (field.kind == Value::Kind::kNull && row->shape.kind != Shape::Kind::kAny) {
      error(field.mark, "config-type", fmt::format("expected {}, got nothing", expected(row->shape)));
    } else {
      row->store(*this, field, *row, target);
    }
    path_.pop_back();
  }
  for (const Row& row : rows) {
    if (row.required && value.find(row.key) == nullptr) {
      error(value.mark, "config-missing",
            fmt::format("key '{}' is missing; expected {}", row.key, expected(row.shape)));
    }
  }
}

void Builder::named(const Value& value, const std::function<void(const Text&, const Value&)>& each) {
  if (value.kind != Value::Kind::kMapping) {
    error(value.mark, "config-type", fmt::format("expected a mapping from names, got {}", describe(value)));
    return;
  }
  for (const auto& [name, item] : value.fields) {
    const std::optional<Text> known = key(name);
    if (!known) continue;
    path_.push_back(known->value);
    if (is_name(known->value)) {
      each(*known, item);
    } else {
      error(name.mark, "config-name", "a name has 1..63 letters, digits, '_', '.' or '-', and does not begin with '-'");
    }
    path_.pop_back();
  }
}

void Builder::list(const Value& value, const std::function<void(const Value&)>& each) {
  if (value.kind != Value::Kind::kSequence) {
    error(value.mark, "config-type", fmt::format("expected a list, got {}", describe(value)));
    return;
  }
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    path_.push_back(fmt::format("[{}]", i));
    each(value.items[i]);
    path_.pop_back();
  }
}

bool Builder::substituted(const Value& value, std::string& text) {
  if (text.find('$') == std::string::npos) return true;
  std::string why;
  std::optional<std::string> result = substitute(text, environment_, why);
  if (!result) {
    error(value.mark, "config-variable", why);
    return false;
  }
  text = std::move(*result);
  return true;
}

std::optional<Text> Builder::text(const Value& value, const Shape& shape) {
  std::string why;
  std::optional<std::string> plain = config::text(value, why);
  if (!plain) {
    error(value.mark, "config-type", why);
    return std::nullopt;
  }
  if (!substituted(value, *plain)) return std::nullopt;
  if (plain->empty()) {
    error(value.mark, "config-range", fmt::format("expected {}, got empty text", expected(shape)));
    return std::nullopt;
  }
  if (plain->find('\0') != std::string::npos) {
    error(value.mark, "config-range", "a zero byte in text");
    return std::nullopt;
  }
  if (shape.valid != nullptr && !shape.valid(*plain)) {
    error(value.mark, "config-range", fmt::format("'{}' is not {}", *plain, expected(shape)));
    return std::nullopt;
  }
  return Text{std::move(*plain), value.mark};
}

std::optional<std::uint64_t> Builder::number(const Value& value, const Shape& shape) {
  std::string why;
  const std::optional<std::uint64_t> number = whole_number(value, why);
  if (!number) {
    error(value.mark, "config-type", why);
    return std::nullopt;
  }
  if (*number < shape.min || *number > shape.max) {
    error(value.mark, "config-range",
          fmt::format("{} is out of range {}..{}{}", value.scalar, shape.min, shape.max,
                      shape.unit.empty() ? std::string() : fmt::format(" ({})", shape.unit)));
    return std::nullopt;
  }
  return number;
}

std::optional<bool> Builder::boolean(const Value& value) {
  std::string why;
  const std::optional<bool> truth = config::boolean(value, why);
  if (!truth) error(value.mark, "config-type", why);
  return truth;
}

std::optional<std::size_t> Builder::choice(const Value& value, const Shape& shape) {
  const std::optional<Text> word = text(value, {.kind = Shape::Kind::kChoice, .choices = shape.choices});
  if (!word) return std::nullopt;
  const auto found = std::ranges::find(shape.choices, std::string_view(word->value));
  if (found == shape.choices.end()) {
    error(value.mark, "config-choice",
          fmt::format("'{}' is not {}{}", word->value, expected(shape), did_you_mean(word->value, shape.choices)));
    return std::nullopt;
  }
  return static_cast<std::size_t>(found - shape.choices.begin());
}

std::optional<Text> Builder::path(const Value& value, const Shape& shape) {
  std::optional<Text> name = text(value, shape);
  if (name) name->value = relative_to(value.mark.file, name->value);
  return name;
}

Value Builder::opaque(const Value& value) {
  Value out = value;
  if (value.kind == Value::Kind::kScalar && value.scalar.find("${") != std::string::npos &&
      substituted(value, out.scalar)) {
    out.quoted = true;  // a variable's text is text, whatever it looks like
  }
  for (Value& item : out.items) item = opaque(item);
  for (auto& [name, field] : out.fields) field = opaque(field);
  return out;
}

}  // namespace sluice::config
