#include "vm/core_relocation.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <tuple>

#include <fmt/format.h>

#include "vm/btf_ext.h"

namespace sluice::vm {
namespace {

// struct bpf_core_relo, linux/bpf.h.
struct Record {
  std::uint32_t insn_off, type_id, access_str_off, kind;
};
static_assert(sizeof(Record) == 16);

constexpr std::string_view kKindNames[kCoreKinds] = {
    "byte offset of", "byte size of",     "existence of", "sign of",      "left shift of",
    "right shift of", "local type id of", "type id of",   "existence of", "size of",
    "existence of",   "value of",         "match of",
};

// Instruction classes and fields of opcodes, RFC 9669.
enum : std::uint8_t { kLd, kLdx, kSt, kStx, kAlu, kJmp, kJmp32, kAlu64 };
constexpr std::uint8_t kSourceRegister = 0x08;
constexpr std::uint8_t kSizeMask = 0x18;
constexpr std::uint8_t kOpcodeLddw = 0x18;
constexpr std::uint8_t kOpcodeCall = 0x85;

constexpr std::size_t kMaxQuestions = 1U << 14;  // different ones in one object
constexpr std::string_view kTooMany = "more than 16384 different CO-RE relocations";
static_assert(kMaxQuestions == 16384);
constexpr std::string_view kTooMuch = "CO-RE relocations up to here take too many steps to compare types";

struct Size {
  std::uint8_t code;
  std::uint32_t bytes;
};
constexpr Size kSizes[] = {{0x00, 4}, {0x08, 2}, {0x10, 1}, {0x18, 8}};

Error error(std::string message) { return {ErrorCode::kProgram, std::move(message)}; }

// Pointers and unsigned numbers mean the same in another width.
bool may_change_width(CoreType before, CoreType after) {
  const Btf::Kind kind = before.btf->kind(before.id);
  if (kind != after.btf->kind(after.id)) return false;
  if (kind == Btf::Kind::kPointer) return true;
  return kind == Btf::Kind::kInt && !before.btf->is_signed(before.id) && !after.btf->is_signed(after.id);
}

class Resolver {
 public:
  Resolver(const Btf& local, const CoreTarget& target) : local_(local), target_(target) {}

  CorePatch resolve(const Record& record) {
    CorePatch patch;
    if (record.kind >= kCoreKinds) patch.error = fmt::format("it has the unknown kind {}", record.kind);
    if (!patch.error.empty()) return patch;
    const auto kind = static_cast<CoreKind>(record.kind);
    const CoreType root{&local_, record.type_id};
    const auto access = parse_core_access(root, kind, local_.string_at(record.access_str_off), work_);
    patch.what =
        fmt::format("{} {}", kKindNames[record.kind], access ? access->text() : fmt::format("type {}", record.type_id));
    if (!access) {
      patch.error = access.error().message;
    } else if (auto done = fill(*access, patch); !done) {
      patch.error = done.error().message;
    }
    return patch;
  }

  [[nodiscard]] bool is_exhausted() const { return work_.is_exhausted(); }

 private:
  Result<void> fill(const CoreAccess& access, CorePatch& patch) {
    const auto before = core_value(access.kind, &access);
    if (!before) return before.error();
    if (*before) patch.before = **before;
    patch.after = patch.before;
    if (access.kind == CoreKind::kLocalTypeId) return {};
    const auto found = find(access);
    if (!found) return found.error();
    const auto after = core_value(access.kind, *found ? &**found : nullptr);
    if (!after) return after.error();
    patch.poison = !*after;
    if (*after) patch.after = **after;
    if (*found && patch.before.memory != 0 && patch.after.memory != patch.before.memory) {
      patch.keeps_size = !may_change_width({&local_, patch.before.type}, {&target_.btf(), patch.after.type});
    }
    return {};
  }

  // The access in the target's types; nothing when there is none, an error when there are two that differ.
  Result<std::optional<CoreAccess>> find(const CoreAccess& access) {
    std::optional<CoreAccess> best;
    std::optional<CoreValue> value;
    for (const CoreType candidate : target_.candidates(access.root, work_)) {
      const auto found = find_core_access(access, candidate, work_);
      if (!found) continue;
      const auto its_value = core_value(access.kind, &*found);
      if (!its_value) return its_value.error();
      if (!best) {
        best = found;
        value = *its_value;
      } else if (best->bit_offset != found->bit_offset || !*its_value || value->value != (*its_value)->value) {
        return error("more than one type of that name fits, and they differ");
      }
    }
    return best;
  }

  const Btf& local_;
  const CoreTarget& target_;
  CoreWork work_;
};

void poison(Insn& insn) { insn = {.opcode = kOpcodeCall, .imm = kPoisonHelper}; }

Error unexpected(const CorePatch& patch, std::uint64_t found) {
  return error(fmt::format("{}: the instruction has {} where its types say {}", patch.what, found, patch.before.value));
}

Result<void> patch_number(const CorePatch& patch, Insn& insn) {
  if ((insn.opcode & kSourceRegister) != 0) return error(patch.what + ": the instruction takes no number");
  const auto before = static_cast<std::int32_t>(patch.before.value);
  if (patch.before.in_instruction && insn.imm != before) {
    return unexpected(patch, static_cast<std::uint32_t>(insn.imm));
  }
  insn.imm = static_cast<std::int32_t>(patch.after.value);
  return {};
}

Result<void> patch_pair(const CorePatch& patch, std::span<Insn> insns) {
  if (insns[0].opcode != kOpcodeLddw || insns[0].src != 0 || insns.size() < 2) {
    return error(patch.what + ": the instruction is no lddw of a number");
  }
  if (patch.before.in_instruction && imm64(insns.data()) != patch.before.value) {
    return unexpected(patch, imm64(insns.data()));
  }
  insns[0].imm = static_cast<std::int32_t>(patch.after.value);
  insns[1].imm = static_cast<std::int32_t>(patch.after.value >> 32);
  return {};
}

Result<bool> patch_memory(const CorePatch& patch, Insn& insn) {
  if (patch.before.in_instruction && insn.offset != static_cast<std::int64_t>(patch.before.value)) {
    return unexpected(patch, static_cast<std::uint64_t>(insn.offset));
  }
  if (patch.after.value > static_cast<std::uint64_t>(std::numeric_limits<std::int16_t>::max())) {
    return error(fmt::format("{}: {} is too far for an instruction", patch.what, patch.after.value));
  }
  const bool resize = patch.before.memory != patch.after.memory;
  if (resize && patch.keeps_size) {
    poison(insn);
    return true;
  }
  insn.offset = static_cast<std::int16_t>(patch.after.value);
  if (!resize) return false;
  const auto* const old = std::ranges::find(kSizes, static_cast<std::uint8_t>(insn.opcode & kSizeMask), &Size::code);
  const auto* const next = std::ranges::find(kSizes, patch.after.memory, &Size::bytes);
  if (old->bytes != patch.before.memory || next == std::end(kSizes)) {
    return error(
        fmt::format("{}: a load of {} bytes cannot become one of {}", patch.what, old->bytes, patch.after.memory));
  }
  insn.opcode = static_cast<std::uint8_t>((insn.opcode & ~kSizeMask) | next->code);
  return false;
}

}  // namespace

Result<CorePatches> read_core_relocations(std::span<const std::byte> ext, const Btf& local, const CoreTarget& target) {
  Resolver resolver(local, target);
  CorePatches patches;
  std::map<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>, CorePatch> known;  // by what they ask
  std::optional<Error> stopped;
  auto done = each_ext_record(ext, local, ExtTable::kCoreRelocations, sizeof(Record),
                              [&](std::string_view section, std::span<const std::byte> bytes) {
                                if (stopped) return;
                                const auto stop = [&](std::string_view why) {
                                  stopped = error(fmt::format("offset {}: {}", bytes.data() - ext.data(), why));
                                };
                                Record record;
                                std::memcpy(&record, bytes.data(), sizeof(record));
                                const std::tuple question(record.type_id, record.access_str_off, record.kind);
                                auto answer = known.find(question);
                                if (answer == known.end()) {
                                  if (known.size() >= kMaxQuestions) return stop(kTooMany);
                                  answer = known.emplace(question, resolver.resolve(record)).first;
                                  if (resolver.is_exhausted()) return stop(kTooMuch);
                                }
                                CorePatch patch = answer->second;
                                patch.slot = record.insn_off / sizeof(Insn);
                                if (record.insn_off % sizeof(Insn) != 0) {
                                  patch.error = "it is in the middle of an instruction";
                                }
                                patches[std::string(section)].push_back(std::move(patch));
                              });
  if (!done) return std::move(done).error();
  if (stopped) return *stopped;
  for (auto& [name, list] : patches) std::ranges::stable_sort(list, {}, &CorePatch::slot);
  return patches;
}

Result<bool> apply_core_patch(const CorePatch& patch, std::span<Insn> insns) {
  if (!patch.error.empty()) {
    return error(fmt::format("CO-RE relocation{}{}: {}", patch.what.empty() ? "" : " of ", patch.what, patch.error));
  }
  Insn& insn = insns[0];
  if (patch.poison) {
    if (insn.opcode == kOpcodeLddw && insns.size() > 1) poison(insns[1]);
    poison(insn);
    return true;
  }
  const auto plain = [](const Result<void>& done) -> Result<bool> {
    if (!done) return done.error();
    return false;
  };
  switch (insn.opcode & 0x07) {
    case kAlu:
    case kAlu64: return plain(patch_number(patch, insn));
    case kLd: return plain(patch_pair(patch, insns));
    case kLdx:
    case kSt:
    case kStx: return patch_memory(patch, insn);
    default: return error(fmt::format("{}: opcode {:#04x} cannot be relocated", patch.what, insn.opcode));
  }
}

}  // namespace sluice::vm
