#include "dataplane/config/reader.h"

#include <algorithm>
#include <istream>
#include <limits>
#include <streambuf>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

namespace sluice::config {
namespace {

// The text in small pieces. Closing it ends yaml-cpp's input: the way to stop its parser without throwing through it.
class Feed : public std::streambuf {
 public:
  explicit Feed(std::string_view text) : rest_(text) {}
  void close() noexcept { rest_ = {}; }
  // Something came out of the parser: what it holds is bounded again.
  void progress() noexcept { ahead_ = 0; }
  // It read kLongestFlow bytes without giving anything back, and its input was ended there.
  [[nodiscard]] bool overrun() const noexcept { return overrun_; }

 protected:
  int_type underflow() override {
    overrun_ = overrun_ || (ahead_ > kLongestFlow && !rest_.empty());
    if (overrun_ || rest_.empty()) return traits_type::eof();
    constexpr std::size_t kPiece = 4096;
    piece_.assign(rest_.substr(0, kPiece));
    rest_.remove_prefix(piece_.size());
    ahead_ += piece_.size();
    setg(piece_.data(), piece_.data(), piece_.data() + piece_.size());
    return traits_type::to_int_type(piece_.front());
  }

 private:
  std::string_view rest_;
  std::string piece_;
  std::size_t ahead_ = 0;  // bytes given since progress()
  bool overrun_ = false;
};

// A text that is the same for equal keys and differs for others.
std::string identity(const Value& value) {
  switch (value.kind) {
    case Value::Kind::kNull: return "~";
    case Value::Kind::kScalar: return fmt::format("s{}:{}", value.scalar.size(), value.scalar);
    case Value::Kind::kSequence: {
      std::string out = "[";
      for (const Value& item : value.items) out += identity(item) + ",";
      return out + "]";
    }
    case Value::Kind::kMapping: {
      std::string out = "{";
      for (const auto& [key, field] : value.fields) out += identity(key) + "=" + identity(field) + ",";
      return out + "}";
    }
  }
  return {};
}

class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(Feed& feed, const std::string& file, const Sources& sources, Budget& budget, Diagnostics& diagnostics)
      : feed_(feed), file_(file), sources_(sources), budget_(budget), diagnostics_(diagnostics) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 2) stop(place(mark), "config-syntax", "a second document; a pipeline file is one document");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (!spend(mark, 1)) return;
    Value value;
    value.mark = place(mark);
    finish(std::move(value), anchor, 1, 0);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Value::Kind::kSequence);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Value::Kind::kMapping);
  }
  void OnMapEnd() override { close(); }

  [[nodiscard]] bool stopped() const noexcept { return stopped_; }
  [[nodiscard]] std::optional<Value> take() && {
    if (stopped_) return std::nullopt;
    return std::move(root_);
  }
  void syntax_error(const YAML::Mark& mark, std::string_view why);
  // yaml-cpp takes the end of the file for the end of a quoted scalar; `text` is the whole file.
  void check_last_quote(std::string_view text);
  void check_overrun();

 private:
  struct Open {
    Value node;
    YAML::anchor_t anchor = 0;
    std::optional<Value> key;  // of a mapping: read, its value not yet
    std::size_t nodes = 1;     // in the subtree so far
    unsigned height = 0;       // levels below
  };
  struct Anchored {
    Value node;
    std::size_t nodes = 1;
    unsigned height = 0;
  };

  Mark place(const YAML::Mark& mark) const;
  Mark place_of_scalar(const YAML::Mark& mark, const std::string& text) const;
  void stop(const Mark& mark, std::string code, std::string message);
  bool spend(const YAML::Mark& mark, std::size_t nodes);
  bool no_tag(const YAML::Mark& mark, const std::string& tag);
  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Value::Kind kind);
  void close();
  void finish(Value value, YAML::anchor_t anchor, std::size_t nodes, unsigned height);
  void attach(Value value, std::size_t nodes, unsigned height);
  void merge_and_check_keys(Value& mapping);
  void merge_into(Value& mapping, const Value& source);

  Feed& feed_;
  const std::string& file_;
  const Sources& sources_;
  Budget& budget_;
  Diagnostics& diagnostics_;
  std::vector<Open> open_;
  std::unordered_map<YAML::anchor_t, Anchored> anchors_;
  std::optional<Value> root_;
  Mark last_quoted_;  // line 0 = none
  unsigned documents_ = 0;
  bool stopped_ = false;
};

Mark TreeBuilder::place(const YAML::Mark& mark) const {
  if (mark.is_null()) return {.file = file_};
  return {.file = file_,
          .line = static_cast<unsigned>(mark.line) + 1,  // yaml-cpp counts from 0
          .column = static_cast<unsigned>(mark.column) + 1};
}

Mark TreeBuilder::place_of_scalar(const YAML::Mark& mark, const std::string& text) const {
  Mark out = place(mark);
  const std::string_view line = sources_.line(file_, out.line);
  if (out.column == 0 || out.column > line.size()) return out;
  const char first = line[out.column - 1];
  if (first == '"' || first == '\'') {
    const std::size_t end = line.find(first, out.column);
    out.width = static_cast<unsigned>((end == std::string_view::npos ? line.size() : end + 1) - (out.column - 1));
  } else if (first != '|' && first != '>') {
    out.width = static_cast<unsigned>(std::clamp<std::size_t>(text.size(), 1, line.size() - (out.column - 1)));
  }
  return out;
}

void TreeBuilder::stop(const Mark& mark, std::string code, std::string message) {
  if (stopped_) return;
  stopped_ = true;
  feed_.close();
  diagnostics_.add(sources_.at(mark, std::move(code), std::move(message)));
}

bool TreeBuilder::spend(const YAML::Mark& mark, std::size_t nodes) {
  if (stopped_) return false;
  feed_.progress();
  if (nodes > budget_.nodes) {
    stop(place(mark), "config-size",
         fmt::format("more than {} values, aliases and included files counted", kMostNodes));
    return false;
  }
  budget_.nodes -= nodes;
  return true;
}

bool TreeBuilder::no_tag(const YAML::Mark& mark, const std::string& tag) {
  // "?" is what yaml-cpp calls a plain scalar or collection, "!" a quoted scalar.
  if (tag.empty() || tag == "?" || tag == "!") return true;
  if (diagnostics_.errors() >= kMostMistakes) return false;
  Mark where = place(mark);
  const std::string_view line = sources_.line(file_, where.line);
  if (const std::size_t at = line.rfind('!', where.column); at != std::string_view::npos) {
    where.column = static_cast<unsigned>(line.find_last_of(" \t[{,", at) + 2);
    where.width = static_cast<unsigned>(std::min(line.find(' ', at), line.size()) - (where.column - 1));
  }
  diagnostics_.add(
      sources_.at(where, "config-tag", fmt::format("tag '{}' is not taken; types come from the key", tag)));
  return false;
}

void TreeBuilder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                           const std::string& text) {
  if (!spend(mark, 1)) return;
  Value value;
  value.kind = Value::Kind::kScalar;
  value.scalar = text;
  value.quoted = tag == "!";
  value.mark = place_of_scalar(mark, text);
  if (value.quoted) last_quoted_ = value.mark;
  no_tag(mark, tag);
  finish(std::move(value), anchor, 1, 0);
}

void TreeBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  if (stopped_) return;
  const auto found = anchors_.find(anchor);
  if (found == anchors_.end()) {
    stop(place(mark), "config-alias", "alias to a value that contains it");
    return;
  }
  const Anchored& target = found->second;
  if (open_.size() + target.height + 1 > kDeepestNesting) {
    stop(place(mark), "config-depth", fmt::format("nested more than {} levels deep", kDeepestNesting));
    return;
  }
  if (!spend(mark, target.nodes)) return;
  Value copy = target.node;
  copy.mark = place(mark);
  // The alias as far as its name goes.
  const std::string_view line = sources_.line(file_, copy.mark.line);
  const std::size_t end = std::min(line.find_first_of(" ,]}:#", copy.mark.column), line.size());
  if (end > copy.mark.column) copy.mark.width = static_cast<unsigned>(end - (copy.mark.column - 1));
  attach(std::move(copy), target.nodes, target.height);
}

void TreeBuilder::open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Value::Kind kind) {
  if (!spend(mark, 1)) return;
  if (open_.size() >= kDeepestNesting) {
    stop(place(mark), "config-depth", fmt::format("nested more than {} levels deep", kDeepestNesting));
    return;
  }
  no_tag(mark, tag);
  Open& opened = open_.emplace_back();
  opened.node.kind = kind;
  opened.node.mark = place(mark);
  opened.anchor = anchor;
}

void TreeBuilder::close() {
  if (stopped_) return;
  Open done = std::move(open_.back());
  open_.pop_back();
  if (done.node.kind == Value::Kind::kMapping) merge_and_check_keys(done.node);
  finish(std::move(done.node), done.anchor, done.nodes, done.height);
}

void TreeBuilder::finish(Value value, YAML::anchor_t anchor, std::size_t nodes, unsigned height) {
  if (anchor != 0) {
    if (nodes > budget_.nodes) {
      stop(value.mark, "config-size", fmt::format("more than {} values, aliases counted", kMostNodes));
      return;
    }
    budget_.nodes -= nodes;  // the copy below
    anchors_[anchor] = {.node = value, .nodes = nodes, .height = height};
  }
  attach(std::move(value), nodes, height);
}

void TreeBuilder::attach(Value value, std::size_t nodes, unsigned height) {
  if (open_.empty()) {
    if (!root_) root_ = std::move(value);
    return;
  }
  Open& parent = open_.back();
  parent.nodes += nodes;
  parent.height = std::max(parent.height, height + 1);
  if (parent.node.kind == Value::Kind::kSequence) {
    parent.node.items.push_back(std::move(value));
  } else if (!parent.key) {
    parent.key = std::move(value);
  } else {
    // A value that is not written has the place of whatever comes next: its key says it better.
    if (value.kind == Value::Kind::kNull) value.mark = parent.key->mark;
    parent.node.fields.emplace_back(std::move(*parent.key), std::move(value));
    parent.key.reset();
  }
}

void TreeBuilder::merge_and_check_keys(Value& mapping) {
  std::unordered_map<std::string, unsigned> seen;  // key -> line of its first place
  std::vector<Field> kept;
  std::vector<Value> merges;
  kept.reserve(mapping.fields.size());
  for (auto& [key, value] : mapping.fields) {
    const auto [first, is_new] = seen.emplace(identity(key), key.mark.line);
    if (!is_new) {
      if (diagnostics_.errors() >= kMostMistakes) continue;
      diagnostics_.add(sources_.at(key.mark, "config-duplicate",
                                   key.kind == Value::Kind::kScalar
                                       ? fmt::format("duplicate key '{}', first on line {}", key.scalar, first->second)
                                       : fmt::format("duplicate key, first on line {}", first->second)));
      continue;
    }
    if (key.kind == Value::Kind::kScalar && key.scalar == "<<" && !key.quoted) {
      merges.push_back(std::move(value));
    } else {
      kept.emplace_back(std::move(key), std::move(value));
    }
  }
  mapping.fields = std::move(kept);
  for (const Value& source : merges) merge_into(mapping, source);
}

// `<<: *a` and `<<: [*a, *b]`: keys already there win, the earlier source wins over the later.
void TreeBuilder::merge_into(Value& mapping, const Value& source) {
  const bool is_list = source.kind == Value::Kind::kSequence;
  if (is_list || source.kind == Value::Kind::kMapping) {
    const std::size_t count = is_list ? source.items.size() : 1;
    for (std::size_t i = 0; i < count; ++i) {
      const Value& from = is_list ? source.items[i] : source;
      if (from.kind != Value::Kind::kMapping) {
        diagnostics_.add(sources_.at(from.mark, "config-type", "'<<' takes mappings to merge, and this is none"));
        continue;
      }
      std::unordered_map<std::string, bool> present;
      for (const auto& [key, value] : mapping.fields) present.emplace(identity(key), true);
      for (const auto& field : from.fields) {
        if (present.emplace(identity(field.key), true).second) mapping.fields.push_back(field);
      }
    }
    return;
  }
  diagnostics_.add(sources_.at(source.mark, "config-type", "'<<' takes a mapping or a list of mappings to merge"));
}

void TreeBuilder::syntax_error(const YAML::Mark& mark, std::string_view why) {
  check_overrun();
  if (stopped_) return;
  const Mark where = place(mark);
  const std::string_view line = sources_.line(file_, where.line);
  const std::size_t indentation = std::min(line.find_first_not_of(" \t"), line.size());
  if (line.substr(0, indentation).find('\t') != std::string_view::npos) why = "tab in the indentation; use blanks";
  stop(where, "config-syntax", fmt::format("not YAML: {}", why));
}

void TreeBuilder::check_overrun() {
  if (!feed_.overrun()) return;
  stop({.file = file_}, "config-size",
       fmt::format("a [...], {{...}}, text or comment of more than {} MB", kLongestFlow >> 20U));
}

void TreeBuilder::check_last_quote(std::string_view text) {
  if (stopped_ || last_quoted_.line == 0) return;
  for (unsigned line = 1; line < last_quoted_.line; ++line) text.remove_prefix(text.find('\n') + 1);
  text.remove_prefix(std::min<std::size_t>(last_quoted_.column - 1, text.size()));
  // An anchor may stand before the quote; block scalars count as quoted and have none that matters.
  const std::size_t open = text.find_first_of("\"'|>");
  if (open == std::string_view::npos || text[open] == '|' || text[open] == '>') return;
  const char quote = text[open];
  for (std::size_t at = open + 1; at < text.size(); ++at) {
    if (text[at] == '\\' && quote == '"') {
      ++at;
    } else if (text[at] == quote) {
      const bool doubled = quote == '\'' && at + 1 < text.size() && text[at + 1] == quote;
      if (!doubled) return;
      ++at;
    }
  }
  stop(last_quoted_, "config-syntax", "not YAML: the quote is not closed");
}

}  // namespace

std::optional<Value> parse_yaml(std::string_view text, const std::string& file, const Sources& sources, Budget& budget,
                                Diagnostics& diagnostics) {
  Feed feed(text);
  std::istream stream(&feed);
  TreeBuilder builder(feed, file, sources, budget, diagnostics);
  try {
    YAML::Parser parser(stream);
    while (!builder.stopped() && parser.HandleNextDocument(builder)) {
    }
    builder.check_overrun();
    builder.check_last_quote(text);
  } catch (const YAML::DeepRecursion& error) {
    builder.syntax_error(error.mark, fmt::format("nested more than {} levels deep", kDeepestNesting));
  } catch (const YAML::Exception& error) {
    builder.syntax_error(error.mark, error.msg);
  }
  if (builder.stopped()) return std::nullopt;
  std::optional<Value> root = std::move(builder).take();
  if (!root) diagnostics.add(sources.at({.file = file}, "config-file", "there is nothing in this file"));
  return root;
}

}  // namespace sluice::config
