#pragma once
// Reads single lines of C as compilers keep them beside the instructions: enough to speak of an author's variables by
// name, never enough to be relied on. Every function gives nothing (an empty string) where the line is not as simple as
// it must be. Pure; internal to the verifier.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::verifier {

// The access to memory that an instruction with this column stands for.
struct Accessed {
  std::string pointer;  // the pointer it goes through: "tcp" of `tcp->dest`
  std::string beyond;   // the first address behind what it points to: "(void *)(tcp + 1)"
  std::string array{};  // of an indexed access the array: "h->ttl" of `h->ttl[i]`
  std::string index{};  // .. and the index: "i"
  std::string whole{};  // of `*pointer` all of it
};
Accessed accessed(std::string_view line, std::uint32_t column);

// The variable that the line declares with a value or assigns to as a whole: "tcp" of `struct tcphdr *tcp = ...;`.
std::string assigned(std::string_view line);
// What it is given: "(void *)ip + ip->ihl * 4".
std::string assigned_value(std::string_view line);
// The line is one statement, begun and ended in it, that is not a compound one.
bool is_statement(std::string_view line);
// A statement begins in the line: something may be written in front of it.
bool begins_statement(std::string_view line);
// The call at the column (or the only one in the line): its function's name, then its arguments.
std::vector<std::string> call(std::string_view line, std::uint32_t column);
// The condition of the line's `if` or `while`; the keyword is in `keyword`.
std::string condition(std::string_view line, std::string& keyword);

bool is_name(std::string_view text);
std::string_view trimmed(std::string_view text);
// "x" of "(__u8 *)x", "&x", "x".
std::string last_name(std::string_view text);

}  // namespace sluice::verifier
