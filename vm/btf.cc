#include "vm/btf.h"

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <unordered_map>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "vm/btf_check.h"

namespace sluice::vm {
namespace {

struct FreeBtf {
  void operator()(btf* p) const { btf__free(p); }
};
struct FreeDump {
  void operator()(btf_dump* p) const { btf_dump__free(p); }
};

// Longest chain of typedefs, qualifiers or pointers that is followed; vm/btf_check refuses endless ones.
constexpr unsigned kMaxChain = 512;

void append(void* context, const char* format, va_list args) {
  std::string& out = *static_cast<std::string*>(context);
  va_list again;
  va_copy(again, args);
  const int size = std::vsnprintf(nullptr, 0, format, again);
  va_end(again);
  if (size <= 0) return;
  const std::size_t before = out.size();
  out.resize(before + static_cast<std::size_t>(size) + 1);
  std::vsnprintf(out.data() + before, static_cast<std::size_t>(size) + 1, format, args);
  out.pop_back();
}

}  // namespace

struct Btf::Impl {
  std::unique_ptr<btf, FreeBtf> types;
  bool printable = true;
  std::uint32_t types_at = 0;  // where the types started in the section, bytes
  std::map<std::string, std::vector<Variable>, std::less<>> sections;

  // Null for void and ids that do not exist.
  [[nodiscard]] const btf_type* at(std::uint32_t id) const {
    if (id == 0 || id >= btf__type_cnt(types.get())) return nullptr;
    return btf__type_by_id(types.get(), id);
  }
  [[nodiscard]] std::string_view text(std::uint32_t offset) const {
    const char* found = btf__str_by_offset(types.get(), offset);
    return found == nullptr ? std::string_view() : std::string_view(found);
  }
  void read_sections();
  std::unordered_map<std::string_view, std::uint32_t> by_name;  // first ids
  void read_names();
  // libbpf divides by the alignment of members; what has none (void, functions, numbers of no bytes) is 0 there.
  [[nodiscard]] bool members_are_aligned() const;
};

bool Btf::Impl::members_are_aligned() const {
  for (std::uint32_t id = 1; id < btf__type_cnt(types.get()); ++id) {
    const btf_type* t = at(id);
    if (!btf_is_composite(t)) continue;
    for (unsigned i = 0; i < btf_vlen(t); ++i) {
      if (btf__align_of(types.get(), btf_members(t)[i].type) <= 0) return false;
    }
  }
  return true;
}

void Btf::Impl::read_sections() {
  for (std::uint32_t id = 1; id < btf__type_cnt(types.get()); ++id) {
    const btf_type* t = at(id);
    if (!btf_is_datasec(t)) continue;
    std::vector<Variable>& list = sections[std::string(text(t->name_off))];
    const btf_var_secinfo* info = btf_var_secinfos(t);
    for (unsigned i = 0; i < btf_vlen(t); ++i) {
      const btf_type* variable = at(info[i].type);
      if (!btf_is_var(variable)) continue;  // functions stand in sections of externs
      list.push_back({text(variable->name_off), variable->type, info[i].offset, info[i].size,
                      btf_var(variable)->linkage == BTF_VAR_STATIC});
    }
    std::ranges::stable_sort(list, {}, &Variable::offset);
  }
}

void Btf::Impl::read_names() {
  for (std::uint32_t id = 1; id < btf__type_cnt(types.get()); ++id) {
    const btf_type* t = at(id);
    if (!btf_is_var(t) && !btf_is_func(t) && !btf_is_decl_tag(t)) by_name.try_emplace(text(t->name_off), id);
  }
}

Result<Btf> Btf::parse(std::span<const std::byte> section) {
  auto checked = check_btf(section);
  if (!checked) return std::move(checked).error();
  auto impl = std::make_unique<Impl>();
  impl->types.reset(btf__new(checked->bytes.data(), static_cast<std::uint32_t>(checked->bytes.size())));
  if (!impl->types)
    return Error{ErrorCode::kProgram, std::string("offset 0: libbpf refuses it: ") + std::strerror(errno)};
  btf__set_pointer_size(impl->types.get(), 8);
  impl->printable = checked->printable;
  impl->types_at = checked->types_at;
  impl->read_sections();
  impl->read_names();
  return Btf(std::move(impl));
}

Btf::Btf(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Btf::Btf(Btf&&) noexcept = default;
Btf& Btf::operator=(Btf&&) noexcept = default;
Btf::~Btf() = default;

std::uint32_t Btf::type_count() const noexcept { return btf__type_cnt(impl_->types.get()) - 1; }

std::uint32_t Btf::strip(std::uint32_t type) const noexcept {
  for (unsigned i = 0; i < kMaxChain; ++i) {
    const btf_type* t = impl_->at(type);
    if (t == nullptr) return 0;
    if (!btf_is_mod(t) && !btf_is_typedef(t)) return type;
    type = t->type;
  }
  return 0;
}

Btf::Kind Btf::kind(std::uint32_t type) const noexcept {
  const btf_type* t = impl_->at(strip(type));
  if (t == nullptr) return Kind::kVoid;
  switch (btf_kind(t)) {
    case BTF_KIND_INT: return Kind::kInt;
    case BTF_KIND_PTR: return Kind::kPointer;
    case BTF_KIND_ARRAY: return Kind::kArray;
    case BTF_KIND_STRUCT: return Kind::kStruct;
    case BTF_KIND_UNION: return Kind::kUnion;
    case BTF_KIND_ENUM:
    case BTF_KIND_ENUM64: return Kind::kEnum;
    case BTF_KIND_FWD: return Kind::kForward;
    case BTF_KIND_FUNC:
    case BTF_KIND_FUNC_PROTO: return Kind::kFunction;
    case BTF_KIND_FLOAT: return Kind::kFloat;
    default: return Kind::kOther;
  }
}

std::string_view Btf::name(std::uint32_t type) const noexcept {
  const btf_type* t = impl_->at(type);
  return t == nullptr ? std::string_view() : impl_->text(t->name_off);
}

bool Btf::has_typedef(std::uint32_t type, std::string_view wanted) const noexcept {
  for (unsigned i = 0; i < kMaxChain; ++i) {
    const btf_type* t = impl_->at(type);
    if (t == nullptr || (!btf_is_mod(t) && !btf_is_typedef(t))) return false;
    if (btf_is_typedef(t) && impl_->text(t->name_off) == wanted) return true;
    type = t->type;
  }
  return false;
}

int Btf::alignment(std::uint32_t type) const noexcept { return std::max(1, btf__align_of(impl_->types.get(), type)); }

std::uint32_t Btf::size(std::uint32_t type) const noexcept {
  if (impl_->at(type) == nullptr) return 0;
  const auto bytes = btf__resolve_size(impl_->types.get(), type);
  return bytes > 0 && bytes <= UINT32_MAX ? static_cast<std::uint32_t>(bytes) : 0;
}

bool Btf::is_signed(std::uint32_t type) const noexcept {
  const btf_type* t = impl_->at(strip(type));
  if (t == nullptr) return false;
  if (btf_is_int(t)) return (btf_int_encoding(t) & BTF_INT_SIGNED) != 0;
  return btf_is_any_enum(t) && btf_kflag(t);
}

bool Btf::is_bool(std::uint32_t type) const noexcept {
  const btf_type* t = impl_->at(strip(type));
  return t != nullptr && btf_is_int(t) && (btf_int_encoding(t) & BTF_INT_BOOL) != 0;
}

std::vector<Btf::Member> Btf::members(std::uint32_t type) const {
  const btf_type* t = impl_->at(strip(type));
  std::vector<Member> found;
  if (t == nullptr || !btf_is_composite(t)) return found;
  for (unsigned i = 0; i < btf_vlen(t); ++i) {
    const btf_member& m = btf_members(t)[i];
    found.push_back({impl_->text(m.name_off), m.type, btf_member_bit_offset(t, i), btf_member_bitfield_size(t, i)});
  }
  return found;
}

Btf::Array Btf::array(std::uint32_t type) const noexcept {
  const btf_type* t = impl_->at(strip(type));
  if (t == nullptr || !btf_is_array(t)) return {};
  return {btf_array(t)->type, btf_array(t)->nelems};
}

std::vector<Btf::Enumerator> Btf::enumerators(std::uint32_t type) const {
  const btf_type* t = impl_->at(strip(type));
  std::vector<Enumerator> found;
  if (t == nullptr || !btf_is_any_enum(t)) return found;
  const bool is_signed = btf_kflag(t);
  for (unsigned i = 0; i < btf_vlen(t); ++i) {
    if (btf_is_enum(t)) {
      const auto& e = btf_enum(t)[i];
      const std::int64_t value = is_signed ? std::int64_t{e.val} : std::int64_t{static_cast<std::uint32_t>(e.val)};
      found.push_back({impl_->text(e.name_off), value});
    } else {
      const auto& e = btf_enum64(t)[i];
      found.push_back({impl_->text(e.name_off), static_cast<std::int64_t>(btf_enum64_value(&e))});
    }
  }
  return found;
}

std::optional<std::int64_t> Btf::enumerator(std::string_view name) const {
  for (std::uint32_t id = 1; id <= type_count(); ++id) {
    if (!btf_is_any_enum(impl_->at(id))) continue;
    for (const Enumerator& e : enumerators(id)) {
      if (e.name == name) return e.value;
    }
  }
  return std::nullopt;
}

std::vector<Btf::Variable> Btf::variables(std::string_view section) const {
  const auto found = impl_->sections.find(section);
  return found == impl_->sections.end() ? std::vector<Variable>() : found->second;
}

void Btf::place_variables(std::string_view section, const std::map<std::string_view, std::uint32_t>& offsets) {
  const auto found = impl_->sections.find(section);
  if (found == impl_->sections.end()) return;
  for (Variable& variable : found->second) {
    if (const auto place = offsets.find(variable.name); place != offsets.end()) variable.offset = place->second;
  }
  std::ranges::stable_sort(found->second, {}, &Variable::offset);
}

std::vector<Btf::Tag> Btf::tags() const {
  std::vector<Tag> found;
  for (std::uint32_t id = 1; id <= type_count(); ++id) {
    const btf_type* t = impl_->at(id);
    if (!btf_is_decl_tag(t) || btf_decl_tag(t)->component_idx != -1) continue;
    const btf_type* on = impl_->at(t->type);
    if (on != nullptr && (btf_is_func(on) || btf_is_var(on))) {
      const auto distance = reinterpret_cast<const char*>(t) - reinterpret_cast<const char*>(impl_->at(1));
      found.push_back({impl_->text(t->name_off), impl_->text(on->name_off),
                       impl_->types_at + static_cast<std::uint32_t>(distance)});
    }
  }
  return found;
}

std::vector<Btf::ArgumentTag> Btf::argument_tags() const {
  std::vector<ArgumentTag> found;
  for (std::uint32_t id = 1; id <= type_count(); ++id) {
    const btf_type* t = impl_->at(id);
    if (!btf_is_decl_tag(t) || btf_decl_tag(t)->component_idx < 0 || !is_named_function(t->type)) continue;
    found.push_back({impl_->text(t->name_off), t->type, static_cast<std::uint32_t>(btf_decl_tag(t)->component_idx)});
  }
  return found;
}

bool Btf::is_named_function(std::uint32_t type) const noexcept {
  const btf_type* t = impl_->at(type);
  return t != nullptr && btf_is_func(t);
}

bool Btf::is_union(std::uint32_t type) const noexcept {
  const btf_type* t = impl_->at(strip(type));
  return t != nullptr && (btf_is_union(t) || (btf_is_fwd(t) && btf_kflag(t)));
}

std::vector<std::uint32_t> Btf::parameters(std::uint32_t type) const {
  const btf_type* t = impl_->at(strip(type));
  if (t != nullptr && btf_is_func(t)) t = impl_->at(t->type);
  std::vector<std::uint32_t> found;
  if (t == nullptr || !btf_is_func_proto(t)) return found;
  for (unsigned i = 0; i < btf_vlen(t); ++i) found.push_back(btf_params(t)[i].type);
  found.push_back(t->type);
  return found;
}

bool Btf::same_kind(std::uint32_t type, const Btf& other, std::uint32_t others_type) const noexcept {
  const btf_type* a = impl_->at(type);
  const btf_type* b = other.impl_->at(others_type);
  if (a == nullptr || b == nullptr) return a == b;
  return btf_kind(a) == btf_kind(b) || (btf_is_any_enum(a) && btf_is_any_enum(b));
}

bool Btf::is_odd_int(std::uint32_t type) const noexcept {
  const btf_type* t = impl_->at(strip(type));
  return t != nullptr && btf_is_int(t) && btf_int_offset(t) != 0;
}

std::uint32_t Btf::pointee(std::uint32_t type) const noexcept {
  const btf_type* t = impl_->at(strip(type));
  return t != nullptr && btf_is_ptr(t) ? t->type : 0;
}

std::uint32_t Btf::find(std::string_view name) const noexcept {
  const auto found = name.empty() ? impl_->by_name.end() : impl_->by_name.find(name);
  return found == impl_->by_name.end() ? 0 : found->second;
}

std::string_view Btf::string_at(std::uint32_t offset) const noexcept { return impl_->text(offset); }

std::string Btf::to_c() const {
  if (!impl_->printable) return "/* these types are nested too deeply or would fill too many lines */\n";
  if (!impl_->members_are_aligned())
    return "/* members of these types have no alignment: they cannot be written as C */\n";
  std::string out;
  const std::unique_ptr<btf_dump, FreeDump> dump(btf_dump__new(impl_->types.get(), append, &out, nullptr));
  if (!dump) return "/* these types cannot be written as C */\n";
  for (std::uint32_t id = 1; id <= type_count(); ++id) {
    if (btf_dump__dump_type(dump.get(), id) < 0) {
      out += "/* type " + std::to_string(id) + " cannot be written as C */\n";
    }
  }
  return out;
}

std::string_view libbpf_version() noexcept { return libbpf_version_string(); }

}  // namespace sluice::vm
