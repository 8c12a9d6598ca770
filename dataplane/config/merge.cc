#include "dataplane/config/merge.h"

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include <fmt/format.h>

#include "dataplane/config/reader.h"

namespace sluice::config {
namespace {

bool is_key(const Value& value, std::string_view name) {
  return value.kind == Value::Kind::kScalar && value.scalar == name;
}

void set_field(Value& mapping, Value key, Value value) {
  const auto found = std::ranges::find_if(mapping.fields, [&](const auto& f) { return is_key(f.key, key.scalar); });
  if (value.kind == Value::Kind::kNull) {
    if (found != mapping.fields.end()) mapping.fields.erase(found);
  } else if (found == mapping.fields.end()) {
    mapping.fields.emplace_back(std::move(key), std::move(value));
  } else {
    found->value = std::move(value);
  }
}

// The longest key of `mapping` that `path` begins with, ended by a dot or the end; else up to the first dot.
std::string_view first_part(const Value& mapping, std::string_view path) {
  std::string_view best = path.substr(0, path.find('.'));
  for (const auto& [key, value] : mapping.fields) {
    const std::string_view name = key.scalar;
    const bool fits = key.kind == Value::Kind::kScalar && path.starts_with(name) &&
                      (path.size() == name.size() || path[name.size()] == '.');
    if (fits && name.size() > best.size()) best = name;
  }
  return best;
}

Value* list_item(Value& list, std::string_view index, std::string& why) {
  std::size_t at = 0;
  const auto [end, error] = std::from_chars(index.data(), index.data() + index.size(), at);
  if (error != std::errc() || end != index.data() + index.size() || at >= list.items.size()) {
    why = fmt::format("'{}' is no index of a list of {}", index, list.items.size());
    return nullptr;
  }
  return &list.items[at];
}

}  // namespace

void merge(Value& base, Value over) {
  if (base.kind != Value::Kind::kMapping || over.kind != Value::Kind::kMapping) {
    base = std::move(over);
    return;
  }
  base.mark = over.mark;
  std::unordered_map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < base.fields.size(); ++i) {
    if (base.fields[i].key.kind == Value::Kind::kScalar) places.emplace(base.fields[i].key.scalar, i);
  }
  std::vector<bool> gone(base.fields.size());
  for (auto& [key, value] : over.fields) {
    const auto found = key.kind == Value::Kind::kScalar ? places.find(key.scalar) : places.end();
    const bool deletes = value.kind == Value::Kind::kNull;
    if (found == places.end()) {
      if (deletes) continue;
      // Below a key the base does not have, nulls have nothing to take away either.
      Value fresh;
      fresh.kind = value.kind;
      fresh.mark = value.mark;
      if (value.kind == Value::Kind::kMapping) {
        merge(fresh, std::move(value));
      } else {
        fresh = std::move(value);
      }
      base.fields.emplace_back(std::move(key), std::move(fresh));
    } else if (deletes) {
      gone[found->second] = true;
    } else {
      base.fields[found->second].key = std::move(key);
      merge(base.fields[found->second].value, std::move(value));
    }
  }
  std::size_t at = 0;
  std::erase_if(base.fields, [&](const auto&) {
    const std::size_t i = at++;
    return i < gone.size() && gone[i];
  });
}

bool set_at(Value& root, std::string_view path, Value value, std::string& why) {
  Value* at = &root;
  for (unsigned depth = 0;; ++depth) {
    if (path.empty() || path.front() == '.' || depth > kDeepestNesting) {
      why = "expected a path of keys with dots between, such as ports.wan0.mtu";
      return false;
    }
    const std::string_view part =
        at->kind == Value::Kind::kMapping ? first_part(*at, path) : path.substr(0, path.find('.'));
    const bool last = part.size() == path.size();
    if (at->kind == Value::Kind::kSequence) {
      Value* item = list_item(*at, part, why);
      if (item == nullptr) return false;
      if (last) {
        *item = std::move(value);
        return true;
      }
      at = item;
    } else if (at->kind == Value::Kind::kMapping) {
      Value key;
      key.kind = Value::Kind::kScalar;
      key.scalar = part;
      key.mark = value.mark;
      if (last) {
        set_field(*at, std::move(key), std::move(value));
        return true;
      }
      auto found = std::ranges::find_if(at->fields, [&](const auto& f) { return is_key(f.key, part); });
      if (found == at->fields.end()) {
        Value made;
        made.kind = Value::Kind::kMapping;
        made.mark = value.mark;
        at->fields.emplace_back(std::move(key), std::move(made));
        found = at->fields.end() - 1;
      }
      at = &found->value;
    } else {
      why = fmt::format("there is no mapping to put '{}' into", part);
      return false;
    }
    path.remove_prefix(part.size() + 1);
  }
}

}  // namespace sluice::config
