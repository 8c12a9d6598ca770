#pragma once
// Mistakes found in a user's file, each with its place. Where there can be many (a config), all are collected and
// reported at once; the rendered form is the one of DESIGN section 3:
//     FILE:LINE:COLUMN: error[CODE]: message; did you mean 'x'?
//         LINE | the source line
//              |      ^~~~~
// Control path only; one thread.
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

enum class Severity : unsigned char { kError, kWarning };

struct Diagnostic {
  Severity severity = Severity::kError;
  std::string file;
  unsigned line = 0;        // from 1; 0 = the place is the whole file
  unsigned column = 0;      // from 1; 0 = the place is the whole line
  unsigned width = 1;       // columns the caret line marks, at least 1
  std::string code;         // stable, kebab-case: "config-range"
  std::string message;      // lower case, no full stop
  std::string source_line;  // text of that line, without its line end; empty = not shown
};

class Diagnostics {
 public:
  void add(Diagnostic diagnostic);
  [[nodiscard]] bool has_errors() const noexcept { return errors_ != 0; }
  [[nodiscard]] unsigned errors() const noexcept { return errors_; }
  [[nodiscard]] std::span<const Diagnostic> all() const noexcept { return all_; }
  // Every diagnostic in order of file, line and column, ending with a line end; empty when there is none.
  [[nodiscard]] std::string render() const;

 private:
  std::vector<Diagnostic> all_;
  unsigned errors_ = 0;
};

// One diagnostic as text, ending with a line end. Tabs and control characters of hostile input are made visible.
std::string render(const Diagnostic& diagnostic);

// `text` with every character outside printable ASCII and UTF-8 sequences written as \xNN.
std::string printable(std::string_view text);

// The candidate nearest to `word` by edit distance (at most a third of its length, at least 1), or empty.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace sluice
