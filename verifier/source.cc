#include "verifier/source.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

namespace sluice::verifier {
namespace {

using std::string_view;

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool is_digits(string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::size_t skip_space(string_view line, std::size_t at) {
  while (at < line.size() && std::isspace(static_cast<unsigned char>(line[at])) != 0) ++at;
  return at;
}

// Behind the bracket that closes the one at `at`; npos when it does not close.
std::size_t behind_brackets(string_view line, std::size_t at) {
  int depth = 0;
  for (; at < line.size(); ++at) {
    if (line[at] == '(' || line[at] == '[') ++depth;
    if ((line[at] == ')' || line[at] == ']') && --depth == 0) return at + 1;
  }
  return string_view::npos;
}

// The bracket that the one at `at` closes; npos when none does.
std::size_t opening_bracket(string_view line, std::size_t at) {
  int depth = 0;
  for (++at; at-- > 0;) {
    if (line[at] == ')' || line[at] == ']') ++depth;
    if ((line[at] == '(' || line[at] == '[') && --depth == 0) return at;
  }
  return string_view::npos;
}

// Behind the postfix expression that begins at `at`: a name or brackets, then members, indices and arguments.
std::size_t behind_postfix(string_view line, std::size_t at) {
  if (at >= line.size()) return string_view::npos;
  if (line[at] == '(') {
    at = behind_brackets(line, at);
  } else if (is_word(line[at])) {
    while (at < line.size() && is_word(line[at])) ++at;
  } else {
    return string_view::npos;
  }
  while (at < line.size()) {
    if (line[at] == '[' || line[at] == '(') {
      at = behind_brackets(line, at);
    } else if (line.substr(at, 2) == "->") {
      at += 2;
      while (at < line.size() && is_word(line[at])) ++at;
    } else if (line[at] == '.') {
      ++at;
      while (at < line.size() && is_word(line[at])) ++at;
    } else {
      break;
    }
  }
  return at;
}

// Where the postfix expression begins that ends before `end`.
std::size_t postfix_begin(string_view line, std::size_t end) {
  std::size_t at = end;
  while (at > 0) {
    const char c = line[at - 1];
    if (is_word(c) || c == '.') {
      --at;
    } else if (c == ')' || c == ']') {
      const std::size_t open = opening_bracket(line, at - 1);
      if (open == string_view::npos) return at;
      at = open;
    } else if (at > 1 && line.substr(at - 2, 2) == "->") {
      at -= 2;
    } else {
      break;
    }
  }
  return at;
}

std::string cast(string_view pointer, string_view plus) {
  return "(void *)(" + std::string(pointer) + " + " + std::string(plus) + ")";
}

// Behind the casts that begin at `at`.
std::size_t behind_casts(string_view line, std::size_t at) {
  while (at < line.size() && line[at] == '(') {
    const std::size_t end = behind_brackets(line, at);
    if (end == string_view::npos) return at;
    const string_view inside = trimmed(line.substr(at + 1, end - at - 2));
    const std::size_t next = skip_space(line, end);
    const bool operand = next < line.size() && (is_word(line[next]) || line[next] == '(' || line[next] == '&');
    const bool type = inside.ends_with('*') || inside == "long" || inside == "__u64" || inside == "unsigned long";
    if (!operand || !type) return at;
    at = next;
  }
  return at;
}

Accessed postfix(string_view expression);

// `*operand`
Accessed dereference(string_view line, std::size_t at) {
  const std::size_t star = at;
  at = skip_space(line, at + 1);
  const std::size_t name = behind_casts(line, at);
  const std::size_t start = name < line.size() && line[name] == '&' ? name + 1 : name;
  const std::size_t end = behind_postfix(line, start);
  if (end == string_view::npos) return {};
  const string_view operand = line.substr(at, end - at);
  Accessed found{.pointer = std::string(trimmed(line.substr(name, end - name))), .beyond = cast(operand, "1")};
  found.whole = line.substr(star, end - star);
  if (start != name) {  // `*(type *)&array[index]`
    const Accessed element = postfix(line.substr(start, end - start));
    found.array = element.array;
    found.index = element.index;
  }
  return found;
}

// A postfix expression: what it goes through first.
Accessed postfix(string_view expression) {
  Accessed found;
  if (const std::size_t last = expression.rfind('['); expression.ends_with(']') && last != string_view::npos) {
    const std::size_t open = opening_bracket(expression, expression.size() - 1);
    found.array = expression.substr(0, open);
    found.index = trimmed(expression.substr(open + 1, expression.size() - open - 2));
  }
  if (const std::size_t arrow = expression.find("->"); arrow != string_view::npos) {
    found.pointer = expression.substr(0, arrow);
    found.beyond = cast(found.pointer, "1");
    return found;
  }
  const std::size_t bracket = expression.find('[');
  if (bracket == string_view::npos || bracket == 0) return {};
  const std::size_t close = behind_brackets(expression, bracket);
  if (close == string_view::npos) return {};
  found.pointer = expression.substr(0, bracket);
  const std::string index(trimmed(expression.substr(bracket + 1, close - bracket - 2)));
  found.beyond = is_digits(index) && index.size() < 9 ? cast(found.pointer, std::to_string(std::stoul(index) + 1))
                                                      : cast(found.pointer, "(" + index + ") + 1");
  return found;
}

// What stands left of the assignment at `at`.
Accessed left_side(string_view line, std::size_t at) {
  string_view left = line.substr(0, at);
  if (const std::size_t end = left.find_last_of(";{"); end != string_view::npos) left.remove_prefix(end + 1);
  left = trimmed(left);
  for (const string_view keyword : {"if", "else if", "while", "for"}) {
    if (!left.starts_with(keyword) || left.size() == keyword.size() || is_word(left[keyword.size()])) continue;
    const std::size_t open = left.find('(');
    const std::size_t end = open == string_view::npos ? open : behind_brackets(left, open);
    if (end == string_view::npos) return {};
    left = trimmed(left.substr(end));
  }
  if (left.empty()) return {};
  if (left.front() == '*') return dereference(left, 0);
  const std::size_t end = behind_postfix(left, 0);
  return end == left.size() ? postfix(left) : Accessed{};
}

bool is_assignment(string_view line, std::size_t at) {
  static constexpr std::array<string_view, 13> kOperators{
      "++", "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=", "="};
  const string_view rest = line.substr(at);
  if (rest.starts_with("==")) return false;
  return std::ranges::any_of(kOperators, [&](string_view op) { return rest.starts_with(op); });
}

// The assignment operator of the line outside brackets, npos = none.
std::size_t assignment(string_view line) {
  int depth = 0;
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (line[at] == '(' || line[at] == '[') ++depth;
    if (line[at] == ')' || line[at] == ']') --depth;
    if (depth != 0 || line[at] != '=') continue;
    const char before = at > 0 ? line[at - 1] : ' ';
    const char after = at + 1 < line.size() ? line[at + 1] : ' ';
    if (after == '=' || before == '=' || before == '!' || before == '<' || before == '>') continue;
    return at;
  }
  return string_view::npos;
}

constexpr std::array<string_view, 9> kCompound{"if", "else", "for", "while", "do", "switch", "case", "return", "goto"};

string_view first_word(string_view line) {
  const std::size_t begin = skip_space(line, 0);
  std::size_t end = begin;
  while (end < line.size() && is_word(line[end])) ++end;
  return line.substr(begin, end - begin);
}

string_view without_comment(string_view line) { return trimmed(line.substr(0, line.find("//"))); }

}  // namespace

string_view trimmed(string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  return text;
}

bool is_name(string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_word) && std::isdigit(static_cast<unsigned char>(text[0])) == 0;
}

std::string last_name(string_view text) {
  text = trimmed(text);
  while (text.ends_with(')') && text.starts_with('(') && behind_brackets(text, 0) == text.size()) {
    text = trimmed(text.substr(1, text.size() - 2));
  }
  std::size_t at = text.size();
  while (at > 0 && is_word(text[at - 1])) --at;
  const string_view name = text.substr(at);
  const string_view front = trimmed(text.substr(0, at));
  const bool plain = front.empty() || front == "&" || front.ends_with(')') || front.ends_with("(&");
  return plain && is_name(name) ? std::string(name) : std::string();
}

Accessed accessed(string_view line, std::uint32_t column) {
  if (column == 0 || column > line.size()) return {};
  const std::size_t at = column - 1;
  std::size_t end = at;
  while (end > 0 && std::isspace(static_cast<unsigned char>(line[end - 1])) != 0) --end;
  if (line.substr(0, end).ends_with("->") || line.substr(0, end).ends_with('.')) {
    const std::size_t begin = postfix_begin(line, end);
    std::size_t behind = at;
    while (behind < line.size() && is_word(line[behind])) ++behind;
    while (behind < line.size() && line[behind] == '[') behind = std::min(line.size(), behind_brackets(line, behind));
    return postfix(line.substr(begin, behind - begin));
  }
  if (is_assignment(line, at)) return left_side(line, at);
  if (line[at] == '*') return dereference(line, at);
  if (!is_word(line[at]) && line[at] != '(') return {};
  std::size_t name_end = at;
  while (name_end < line.size() && is_word(line[name_end])) ++name_end;
  if (name_end > at && name_end < line.size() && line[name_end] == '(') return {};  // a call
  const std::size_t behind = behind_postfix(line, at);
  return behind == string_view::npos ? Accessed{} : postfix(line.substr(at, behind - at));
}

std::string assigned(string_view line) {
  line = without_comment(line);
  const string_view word = first_word(line);
  if (std::ranges::find(kCompound, word) != kCompound.end()) return {};
  std::size_t at = assignment(line);
  if (at == string_view::npos) return {};
  while (at > 0 && std::string_view("+-*/%&|^<>").find(line[at - 1]) != string_view::npos) --at;
  const string_view left = trimmed(line.substr(0, at));
  std::size_t begin = left.size();
  while (begin > 0 && is_word(left[begin - 1])) --begin;
  const string_view name = left.substr(begin);
  const string_view front = trimmed(left.substr(0, begin));
  // `type *name` or `name`; `*name = ..` stores elsewhere.
  const bool plain = front.empty() || (is_word(front.front()) && (front.back() == '*' || is_word(front.back())));
  return plain && is_name(name) ? std::string(name) : std::string();
}

std::string assigned_value(string_view line) {
  line = without_comment(line);
  const std::size_t at = assignment(line);
  if (at == string_view::npos || !line.ends_with(';')) return {};
  return std::string(trimmed(line.substr(at + 1, line.size() - at - 2)));
}

bool is_statement(string_view line) {
  line = without_comment(line);
  const string_view word = first_word(line);
  const bool compound = std::ranges::find(kCompound, word) != kCompound.end();
  if (compound || !line.ends_with(';') || line.empty()) return false;
  return std::ranges::count(line, '(') == std::ranges::count(line, ')');
}

bool begins_statement(string_view line) {
  line = without_comment(line);
  const string_view word = first_word(line);
  if (line.empty()) return false;
  if (word == "else" || word == "case" || word == "for" || word == "while" || word == "do") return false;
  if (line.front() == '}' || line.front() == ')' || line.front() == '&' || line.front() == '|') return false;
  const long open = std::ranges::count(line, '(');
  const long close = std::ranges::count(line, ')');
  return open >= close && (line.ends_with(';') || line.ends_with('{') || word == "if" || word == "return");
}

std::vector<std::string> call(string_view line, std::uint32_t column) {
  std::size_t at = column == 0 ? 0 : column - 1;
  if (at >= line.size() || !is_word(line[at])) return {};
  const std::size_t name = at;
  while (at < line.size() && is_word(line[at])) ++at;
  if (at >= line.size() || line[at] != '(') return {};
  std::vector<std::string> parts{std::string(line.substr(name, at - name))};
  const std::size_t end = behind_brackets(line, at);
  if (end == string_view::npos) return {};
  int depth = 0;
  std::size_t begin = at + 1;
  for (std::size_t i = at; i < end; ++i) {
    if (line[i] == '(' || line[i] == '[') ++depth;
    if (line[i] == ')' || line[i] == ']') --depth;
    if ((depth == 1 && line[i] == ',') || (depth == 0 && i + 1 == end)) {
      parts.emplace_back(trimmed(line.substr(begin, i - begin)));
      begin = i + 1;
    }
  }
  return parts;
}

std::string condition(string_view line, std::string& keyword) {
  for (const string_view word : {"if", "while"}) {
    for (std::size_t at = line.find(word); at != string_view::npos; at = line.find(word, at + 1)) {
      const bool whole =
          (at == 0 || !is_word(line[at - 1])) && at + word.size() < line.size() && !is_word(line[at + word.size()]);
      const std::size_t open = skip_space(line, at + word.size());
      if (!whole || open >= line.size() || line[open] != '(') continue;
      const std::size_t end = behind_brackets(line, open);
      if (end == string_view::npos) continue;
      keyword = word;
      return std::string(trimmed(line.substr(open + 1, end - open - 2)));
    }
  }
  return {};
}

}  // namespace sluice::verifier
