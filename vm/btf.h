#pragma once
// BTF type information (kernel Documentation/bpf/btf.rst) read through libbpf's btf__*; the only place that sees it.
// Input is hostile until `parse` returned. Constant afterwards: any thread. String views live as long as the Btf.
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sluice::vm {

class Btf {
 public:
  enum class Kind : std::uint8_t {
    kVoid,
    kInt,
    kPointer,
    kArray,
    kStruct,
    kUnion,
    kEnum,
    kForward,
    kFunction,
    kFloat,
    kOther
  };
  struct Member {
    std::string_view name;  // empty for anonymous members
    std::uint32_t type = 0;
    std::uint32_t bit_offset = 0;
    std::uint32_t bit_size = 0;  // 0 = not a bit field
  };
  struct Array {
    std::uint32_t element_type = 0;
    std::uint32_t count = 0;
  };
  struct Enumerator {
    std::string_view name;
    std::int64_t value = 0;
  };
  struct Tag {  // __attribute__((btf_decl_tag(text))) of a function or variable as a whole
    std::string_view text;
    std::string_view on;       // its name
    std::uint32_t offset = 0;  // of the tag in the section, bytes
  };
  struct ArgumentTag {  // likewise, of one argument
    std::string_view text;
    std::uint32_t function = 0;  // id
    std::uint32_t argument = 0;  // from 0
  };
  struct Variable {  // of a data section
    std::string_view name;
    std::uint32_t type = 0;
    std::uint32_t offset = 0;  // bytes from the section's start
    std::uint32_t size = 0;    // bytes
    bool is_static = false;    // seen by its own object only
  };

  // Errors begin with `offset N: `, in bytes from the start of the section.
  static Result<Btf> parse(std::span<const std::byte> section);
  Btf(Btf&&) noexcept;
  Btf& operator=(Btf&&) noexcept;
  ~Btf();

  // Type ids are 0 (void) .. type_count(). Out of range ids behave as void.
  [[nodiscard]] std::uint32_t type_count() const noexcept;
  // `type` without typedefs and const, volatile, restrict, type tags on top.
  [[nodiscard]] std::uint32_t strip(std::uint32_t type) const noexcept;
  [[nodiscard]] Kind kind(std::uint32_t type) const noexcept;              // of strip(type)
  [[nodiscard]] std::string_view name(std::uint32_t type) const noexcept;  // of the type itself, typedef names included
  // Name of the first typedef met on the way to strip(type) that is `wanted`; e.g. has_typedef(t, "__be16").
  [[nodiscard]] bool has_typedef(std::uint32_t type, std::string_view wanted) const noexcept;
  [[nodiscard]] std::uint32_t size(std::uint32_t type) const noexcept;  // bytes; 0 when it has none
  [[nodiscard]] int alignment(std::uint32_t type) const noexcept;       // bytes; 1 when it has none
  [[nodiscard]] bool is_signed(std::uint32_t type) const noexcept;
  [[nodiscard]] bool is_bool(std::uint32_t type) const noexcept;
  [[nodiscard]] std::vector<Member> members(std::uint32_t type) const;  // struct or union, else empty
  [[nodiscard]] Array array(std::uint32_t type) const noexcept;
  [[nodiscard]] std::vector<Enumerator> enumerators(std::uint32_t type) const;
  // Looks through all enums.
  [[nodiscard]] std::optional<std::int64_t> enumerator(std::string_view name) const;
  // Variables of the data section `section` (".rodata", ".bss", ...), by offset.
  [[nodiscard]] std::vector<Variable> variables(std::string_view section) const;
  // Corrects variables' offsets by name: clang leaves 0 there, the symbol table knows. Before the Btf is shared.
  void place_variables(std::string_view section, const std::map<std::string_view, std::uint32_t>& offsets);
  // In order of their ids.
  [[nodiscard]] std::vector<Tag> tags() const;
  // Those of functions' arguments, likewise.
  [[nodiscard]] std::vector<ArgumentTag> argument_tags() const;
  // Whether it is a function by name, not just what one takes and returns.
  [[nodiscard]] bool is_named_function(std::uint32_t type) const noexcept;
  // Whether a struct, union or forward declaration is of a union.
  [[nodiscard]] bool is_union(std::uint32_t type) const noexcept;
  // Types of a function's arguments, then of what it returns; empty for others.
  [[nodiscard]] std::vector<std::uint32_t> parameters(std::uint32_t type) const;
  // Whether both types themselves, typedefs and qualifiers included, are of one kind; enums of any width are.
  [[nodiscard]] bool same_kind(std::uint32_t type, const Btf& other, std::uint32_t others_type) const noexcept;
  // Whether it is a number that fills only a part of its bytes, as compilers once wrote bit fields.
  [[nodiscard]] bool is_odd_int(std::uint32_t type) const noexcept;
  // Type pointed to by a pointer; 0 otherwise.
  [[nodiscard]] std::uint32_t pointee(std::uint32_t type) const noexcept;
  // Id of the first struct, int, ... called `name`; 0 = none.
  [[nodiscard]] std::uint32_t find(std::string_view name) const noexcept;
  // The string at a .BTF string offset, for line info; empty when out of range.
  [[nodiscard]] std::string_view string_at(std::uint32_t offset) const noexcept;
  // C declaration of all types, for `prog dump btf`.
  [[nodiscard]] std::string to_c() const;

 private:
  struct Impl;
  explicit Btf(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Of the library that reads types, such as "v1.1".
std::string_view libbpf_version() noexcept;

}  // namespace sluice::vm
