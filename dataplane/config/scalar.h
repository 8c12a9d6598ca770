#pragma once
// The strict meaning of YAML scalars: what is a number, a boolean, a size, and what only looks like one. Pure.
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/config/config.h"

namespace sluice::config {

using Environment = std::map<std::string, std::string>;

// What a value is, in the words of a message: "text \"abc\"", "number 7", "a list", "nothing".
std::string describe(const Value& value);

// Decimal or 0x hexadecimal, unquoted, below 2^64. When it is none, `why` says what is wrong with it ("expected a whole
// number, got ..."), with a suggestion where the value would be read differently by other YAML readers (010).
std::optional<std::uint64_t> whole_number(const Value& value, std::string& why);

// `true` or `false`, unquoted; YAML 1.1's yes, no, on and off are refused with a suggestion.
std::optional<bool> boolean(const Value& value, std::string& why);

// Text: a quoted scalar, or a plain one that is no number and no boolean to any YAML reader.
std::optional<std::string> text(const Value& value, std::string& why);

// "10:20:30:40:50:59"
std::optional<std::array<std::uint8_t, 6>> mac_address(std::string_view text);
// "192.0.2.1" or "2001:db8::1"
std::optional<IpAddress> ip_address(std::string_view text);
// "64M", "1G", "1024": bytes.
std::optional<std::uint64_t> byte_size(std::string_view text);
// "2-5,7": ascending order is not asked for; doubles and numbers above 1023 are refused.
std::optional<std::vector<unsigned>> core_list(std::string_view text, std::string& why);

// Replaces ${NAME} and ${NAME:-default}; `$$` is a dollar sign. The default is used when NAME is unset or empty.
// Nothing, with `why`, for an unset NAME without default and for a `${` that does not end.
std::optional<std::string> substitute(std::string_view text, const Environment& environment, std::string& why);

}  // namespace sluice::config
