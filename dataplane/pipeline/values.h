#pragma once
// Typed values: what people write in a configuration (config::Value) to the bytes a program reads, and back, by the
// program's own BTF. Rules (docs/config.md, "values"):
//   integers      strict, range-checked; decimal or 0x; bool: true, false
//   enums         enumerator names or numbers
//   __be16/32/64  the number, stored big endian; __be32 takes an IPv4 address too
//   __u8[6] MAC   __u8[4] with dots IPv4   __u8[16], in6_addr, __be32[4] IPv6   char[N] text
//   4-byte ints   the name of a port: its ifindex
//   LPM keys      "10.0.0.0/8": {prefixlen, address}; no slash = the whole address
//   structs       by field name, missing ones are 0; unions by one member; arrays as lists, the rest is 0
//   {hex: ".."}   raw bytes of exactly the right size, for everything
// `types:` overrides name what BTF cannot know (a plain __u16 that holds a big-endian port): be16 be32 be64 u8..u64
// s8..s64 ipv4 ipv6 mac ifindex hex, alone or by struct field. Without BTF: scalars of the right size, and hex.
// Control path, any thread.
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/diagnostics.h"
#include "dataplane/config/config.h"
#include "vm/btf.h"

namespace sluice::pipeline {

using PortNumbers = std::map<std::string, std::uint32_t, std::less<>>;  // port name -> ifindex

// What the bytes mean.
struct ValueType {
  const vm::Btf* btf = nullptr;          // null = unknown
  std::uint32_t type = 0;                // id in `btf`, 0 = unknown
  std::uint32_t size = 0;                // bytes
  const config::Value* types = nullptr;  // `types:` override, null = none
  bool prefix = false;                   // an LPM key
};

struct ValueReader {
  const PortNumbers& ports;
  const config::Sources& sources;
  Diagnostics& diagnostics;

  // Whether a `types:` override fits the type: names, sizes, fields. False with diagnostics at its marks.
  bool check_types(const ValueType& type, const std::string& what) const;
  // Writes `value` to `out` (type.size bytes). False with at least one diagnostic, at the mark of what is wrong;
  // `what` names the value there: "map open_ports: key". An override that check_types refuses is ignored.
  bool encode(const config::Value& value, const ValueType& type, const std::string& what,
              std::span<std::byte> out) const;
};

// The value of `bytes` (type.size of them) such that encode gives the same bytes back, padding (then 0) aside.
config::Value decode(std::span<const std::byte> bytes, const ValueType& type);
// One line of flow-style YAML.
std::string to_text(const config::Value& value);

}  // namespace sluice::pipeline
