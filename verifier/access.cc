#include "verifier/access.h"

#include <fmt/format.h>

#include "vm/maps/map.h"
#include "vm/program_type.h"

namespace sluice::verifier {
namespace {

using Notes = std::vector<Rejection::Note>;

std::string_view verb(Use use) {
  switch (use) {
    case Use::kRead: return "read";
    case Use::kWrite: return "write";
    case Use::kAtomic: return "atomic operation";
  }
  return "";
}

std::string span_text(const Access& access) {
  return fmt::format("{}-byte {}{}", access.size, verb(access.use), access.by_helper ? " by the helper" : "");
}

std::string from(std::string_view base, std::int64_t offset) {
  return fmt::format("{}{}{}", base, offset < 0 ? "-" : "+", offset < 0 ? -offset : offset);
}

// "data+14+v .. +16+v, v in [0,60] (fw.bpf.c:12)"
std::string reads_text(const Context& context, std::string_view name, const Reg& base, const Access& access) {
  const std::int64_t start = base.offset + access.offset;
  if (base.value.is_constant()) {
    const std::int64_t fixed = start + base.value.smin();
    return fmt::format("{} .. {}", from(name, fixed), from("", fixed + access.size));
  }
  const std::string range = base.value.smin() < 0 ? fmt::format("[{},{}]", base.value.smin(), base.value.smax())
                                                  : fmt::format("[{},{}]", base.value.umin(), base.value.umax());
  return fmt::format("{}+v .. {}+v, v in {} (added at {})", from(name, start), from("", start + access.size), range,
                     place(context.program, base.made_at));
}

Check check_context(const Context& context, const Reg& base, const Access& access) {
  const auto fail = [&](Rule rule, std::string message, Notes notes) {
    return failure(rule, access.slot, access.reg, std::move(message), std::move(notes));
  };
  if ((base.offset != 0 || !base.value.is_constant() || base.value.constant_value() != 0) &&
      context.enforced(Rule::kContextOffset)) {
    return fail(Rule::kContextOffset, "access through a context pointer that arithmetic changed",
                {{"why", "the context may only be read at constant offsets from the pointer the program was given"}});
  }
  if (access.use != Use::kRead && context.enforced(Rule::kContextWrite)) {
    return fail(Rule::kContextWrite, fmt::format("{} into the context, which is read-only", span_text(access)), {});
  }
  const vm::ContextField* field = vm::context_field(*context.program.type, access.offset);
  const bool readable = field != nullptr && (!field->egress_only || context.program.type->egress_fields);
  if (!readable && context.enforced(Rule::kContextField)) {
    const std::string_view why = field == nullptr ? "no field of struct xdp_md starts there"
                                                  : "only devmap and egress programs may read egress_ifindex";
    return fail(Rule::kContextField, fmt::format("read of the context at offset {}", access.offset),
                {{"why", std::string(why)}});
  }
  if (access.size != 4 && context.enforced(Rule::kContextSize)) {
    return fail(Rule::kContextSize, fmt::format("{} of a context field", span_text(access)),
                {{"why", "fields of struct xdp_md are read as exactly 4 bytes"}});
  }
  return {};
}

Check check_packet(const Context& context, const Reg& base, const Access& access) {
  const bool meta = base.type == Type::kPacketMeta;
  const std::string_view name = meta ? "data_meta" : "data";
  const std::string_view end = meta ? "data" : "data_end";
  const Rule rule = meta ? Rule::kMetaBounds : Rule::kPacketBounds;
  const std::int64_t start = base.offset + access.offset;
  const auto fail = [&](Rule broken, std::string why) {
    const std::string proven =
        base.range > 0 ? fmt::format("{} bytes from {}{} (check at {})", base.range, name,
                                     base.value.is_constant() ? "" : "+v", place(context.program, base.checked_at))
                       : fmt::format("nothing from {}{}", name, base.value.is_constant() ? "" : "+v");
    const std::string fix = fmt::format("before it: if (pointer + {} > {}) return XDP_DROP;", access.size, end);
    return failure(broken, access.slot, access.reg,
                   fmt::format("{} past the proven {} bytes", span_text(access), meta ? "metadata" : "packet"),
                   {{access.use == Use::kRead ? "reads" : "writes", reads_text(context, name, base, access)},
                    {"proven", proven},
                    {"why", std::move(why)},
                    {"fix", fix}});
  };
  if ((base.value.smin() < 0 || start < 0) && context.enforced(Rule::kPacketSign)) {
    return fail(Rule::kPacketSign, fmt::format("the address may lie before {}: the offset may be negative", name));
  }
  if (start + access.size > base.range && context.enforced(rule)) {
    if (base.range > 0) return fail(rule, "the check covers fewer bytes than this access touches");
    if (!base.value.is_constant()) {
      return fail(rule, "adding v made a new pointer; an earlier check does not carry over");
    }
    return fail(rule, fmt::format("no compare with {} covers this pointer on this path", end));
  }
  return {};
}

Check check_stack(const Context& context, const Reg& base, const Access& access) {
  const auto fail = [&](Rule rule, std::string message, Notes notes = {}) {
    return failure(rule, access.slot, access.reg, std::move(message), std::move(notes));
  };
  const Reach where = reach(base, access.offset);
  const bool bounded = base.value.smin() > -kMaxOffset && base.value.smax() < kMaxOffset;
  // r10 itself is no stack, not even for no bytes.
  const bool inside =
      bounded && where.min >= -std::int64_t{vm::kStackBytes} && where.max < 0 && where.max + access.size <= 0;
  if (!inside && context.enforced(Rule::kStackBounds)) {
    return fail(Rule::kStackBounds, fmt::format("{} outside the stack", span_text(access)),
                {{access.use == Use::kRead ? "reads" : "writes", reads_text(context, "r10", base, access)},
                 {"why", "a frame has the 512 bytes below r10"}});
  }
  if (access.by_helper) return {};
  const Scalar position =
      alu(vm::AluOp::kAdd, true, base.value, Scalar::constant(static_cast<std::uint64_t>(base.offset + access.offset)));
  const Tnum<std::uint64_t> bits = position.bits();
  if (((bits.value | bits.mask) & static_cast<std::uint64_t>(access.size - 1)) != 0 &&
      context.enforced(Rule::kStackAlign)) {
    return fail(Rule::kStackAlign, fmt::format("misaligned {} on the stack", span_text(access)),
                {{access.use == Use::kRead ? "reads" : "writes", reads_text(context, "r10", base, access)}});
  }
  return {};
}

// An XDP socket shows queue_id, its first 4 bytes, as the context shows its fields.
Check check_xdp_socket(const Context& context, const Reg& base, const Access& access) {
  const auto fail = [&](Rule rule, std::string message, Notes notes) {
    return failure(rule, access.slot, access.reg, std::move(message), std::move(notes));
  };
  if (access.use != Use::kRead && context.enforced(Rule::kMapWrite)) {
    return fail(Rule::kMapWrite, fmt::format("{} of an XDP socket, which may only be read", span_text(access)), {});
  }
  const Reach where = reach(base, access.offset);
  if ((!where.fixed() || where.min != 0 || access.size != 4) && context.enforced(Rule::kXdpSocketField)) {
    return fail(Rule::kXdpSocketField, fmt::format("{} of an XDP socket at offset {}", span_text(access), where.min),
                {{"why", "struct bpf_xdp_sock has queue_id, the 4 bytes at offset 0, and nothing else"}});
  }
  return {};
}

Check check_map_value(const Context& context, const Reg& base, const Access& access) {
  if (is_xdp_socket(context, base)) return check_xdp_socket(context, base, access);
  const vm::Map& map = *context.map(base.map);
  const vm::MapSpec& spec = map.spec();
  const auto fail = [&](Rule rule, std::string message, Notes notes = {}) {
    return failure(rule, access.slot, access.reg, std::move(message), std::move(notes));
  };
  const bool read_only = (spec.flags & vm::kMapReadOnlyProg) != 0 || map.frozen();
  if (access.use != Use::kRead && read_only && context.enforced(Rule::kMapWrite)) {
    return fail(Rule::kMapWrite,
                fmt::format("{} into map {}, which programs may only read", span_text(access), spec.name));
  }
  const bool write_only = (spec.flags & vm::kMapWriteOnlyProg) != 0;
  if (access.use != Use::kWrite && write_only && context.enforced(Rule::kMapRead)) {
    return fail(Rule::kMapRead,
                fmt::format("{} of map {}, which programs may only write", span_text(access), spec.name));
  }
  const Reach where = reach(base, access.offset);
  const bool bounded = base.value.smin() > -kMaxOffset && base.value.smax() < kMaxOffset;
  const bool linux_loses = context.options.as_linux && base.value.smin() < 0 && !base.value.is_constant();
  const bool inside =
      bounded && !linux_loses && where.min >= 0 && where.max + access.size <= std::int64_t{spec.value_size};
  if (!inside && context.enforced(Rule::kMapBounds)) {
    return fail(Rule::kMapBounds, fmt::format("{} outside the value of map {}", span_text(access), spec.name),
                {{access.use == Use::kRead ? "reads" : "writes", reads_text(context, "value", base, access)},
                 {"proven", fmt::format("a value has {} bytes", spec.value_size)},
                 {"fix", "compare the index with the array's size before it is used"}});
  }
  const bool lock = spec.special.lock_meets(where.min, where.max + access.size);
  const bool timer = spec.special.timer_meets(where.min, where.max + access.size);
  if ((lock || timer) && context.enforced(Rule::kSpecialField)) {
    const std::int32_t at = lock ? spec.special.lock : spec.special.timer;
    return fail(Rule::kSpecialField,
                fmt::format("{} of the struct {} in the value of map {}", span_text(access),
                            lock ? "bpf_spin_lock" : "bpf_timer", spec.name),
                {{"why", fmt::format("it lies at byte {} of the value; only helpers may touch it", at)},
                 {"fix", "leave it out: read and write the other members one by one"}});
  }
  return {};
}

Check check_map_key(const Context& context, const Reg& base, const Access& access) {
  const vm::MapSpec& spec = context.map(base.map)->spec();
  if (access.use != Use::kRead && context.enforced(Rule::kMapKeyWrite)) {
    return failure(Rule::kMapKeyWrite, access.slot, access.reg,
                   fmt::format("{} into the key of an element of map {}", span_text(access), spec.name),
                   {{"why", "the map finds its elements by their keys"},
                    {"fix", "leave the key alone; an element moves when it is deleted and put back under another"}});
  }
  const Reach where = reach(base, access.offset);
  const bool bounded = base.value.smin() > -kMaxOffset && base.value.smax() < kMaxOffset;
  const bool inside = bounded && where.min >= 0 && where.max + access.size <= std::int64_t{spec.key_size};
  if (inside || !context.enforced(Rule::kMapKeyBounds)) return {};
  return failure(Rule::kMapKeyBounds, access.slot, access.reg,
                 fmt::format("{} outside the key of map {}", span_text(access), spec.name),
                 {{access.use == Use::kRead ? "reads" : "writes", reads_text(context, "key", base, access)},
                  {"proven", fmt::format("a key has {} bytes", spec.key_size)},
                  {"fix", "give the callback's key the type that the map's key has"}});
}

Check check_memory(const Context& context, const Reg& base, const Access& access) {
  const Reach where = reach(base, access.offset);
  const bool bounded = base.value.smin() > -kMaxOffset && base.value.smax() < kMaxOffset;
  const bool inside = bounded && where.min >= 0 && where.max + access.size <= base.range;
  if (inside || !context.enforced(Rule::kMemoryBounds)) return {};
  const bool lent = context.program.type->context != vm::ContextKind::kMemory;
  Notes notes{{access.use == Use::kRead ? "reads" : "writes", reads_text(context, "memory", base, access)},
              {"proven", fmt::format("{} has {} bytes", lent ? "the argument's type" : "the memory", base.range)}};
  if (lent) {
    notes.push_back({"why", "a global function is verified once, for memory of the type it declares"});
    notes.push_back({"fix", "declare the argument as a pointer to all that is used, or make the function static"});
  }
  return failure(Rule::kMemoryBounds, access.slot, access.reg,
                 fmt::format("{} outside {}", span_text(access),
                             lent ? "what the function's argument points to" : "the program's memory"),
                 std::move(notes));
}

Check check_record(const Context& context, const Reg& base, const Access& access) {
  const Reach where = reach(base, access.offset);
  const bool bounded = base.value.smin() > -kMaxOffset && base.value.smax() < kMaxOffset;
  if ((!bounded || where.min < 0 || where.max + access.size > base.range) && context.enforced(Rule::kRecordBounds)) {
    return failure(Rule::kRecordBounds, access.slot, access.reg,
                   fmt::format("{} outside the record", span_text(access)),
                   {{access.use == Use::kRead ? "reads" : "writes", reads_text(context, "record", base, access)},
                    {"why", "the record is as large as ringbuf_reserve was told"},
                    {"proven", fmt::format("the record has {} bytes", base.range)},
                    {"fix", "reserve as many bytes as are used"}});
  }
  return {};
}

std::string_view why_null(Type type) {
  if (type == Type::kMapValueOrNull) return "the look-up gives null when there is no such key";
  return type == Type::kRecordOrNull ? "there may be no room for the record" : "there may be no such socket";
}

Check check_atomic(const Context& context, const Reg& base, const Access& access) {
  const bool good = base.type == Type::kStack || base.type == Type::kMapValue || base.type == Type::kMemory ||
                    base.type == Type::kRecord;
  if (!good && context.enforced(Rule::kAtomicTarget)) {
    return failure(Rule::kAtomicTarget, access.slot, access.reg,
                   fmt::format("atomic operation through {}", describe(base.type)),
                   {{"why", "atomic operations work on the stack and on map values only"}});
  }
  const Scalar position =
      alu(vm::AluOp::kAdd, true, base.value, Scalar::constant(static_cast<std::uint64_t>(base.offset + access.offset)));
  const Tnum<std::uint64_t> bits = position.bits();
  if (base.type != Type::kStack && ((bits.value | bits.mask) & static_cast<std::uint64_t>(access.size - 1)) != 0 &&
      context.enforced(Rule::kAtomicAlign)) {
    return failure(Rule::kAtomicAlign, access.slot, access.reg, fmt::format("misaligned {}", span_text(access)));
  }
  return {};
}

}  // namespace

Reach reach(const Reg& base, std::int64_t offset) noexcept {
  // Clamped so that sums stay far from overflow; an access this far out is refused anyway.
  constexpr std::int64_t kFar = std::int64_t{1} << 40;
  const auto clamp = [](std::int64_t v) { return v < -kFar ? -kFar : v > kFar ? kFar : v; };
  return {clamp(base.value.smin()) + base.offset + offset, clamp(base.value.smax()) + base.offset + offset};
}

Failure stale_pointer(const Reg& reg, std::uint32_t slot, unsigned number) {
  std::string_view why = "it held a packet pointer, and a call that may move the packet left nothing of that";
  std::string_view fix = "load the pointer from the context again after the call";
  if (reg.was == Type::kRecord) {
    why = "it held a record that was submitted or discarded: its bytes are the reader's now";
    fix = "write the record before it is submitted";
  } else if (reg.was == Type::kSocket) {
    why = "it held a socket that was released: others may take it away now";
    fix = "read the socket before it is released";
  } else if (reg.was == Type::kMapKey) {
    why = "it held an element's key, which was lent to the callback: something else lies there now";
    fix = "keep the key's bytes instead of its address";
  }
  return failure(Rule::kRegisterInit, slot, static_cast<int>(number),
                 fmt::format("r{} is read before anything was written to it", number),
                 {{"why", std::string(why)}, {"fix", std::string(fix)}});
}

Check check_access(const Context& context, const Reg& base, const Access& access) {
  if (base.stale && context.enforced(Rule::kRegisterInit)) {
    return stale_pointer(base, access.slot, static_cast<unsigned>(access.reg));
  }
  if (may_be_null(base.type)) {
    if (!context.enforced(Rule::kAddressNull)) return {};
    return failure(Rule::kAddressNull, access.slot, access.reg,
                   fmt::format("{} through a pointer that may be null", span_text(access)),
                   {{"why", std::string(why_null(base.type))}, {"fix", "before it: if (!pointer) return XDP_PASS;"}});
  }
  const bool addressable =
      base.is_pointer() && base.type != Type::kMap && base.type != Type::kPacketEnd && base.type != Type::kFunction;
  if (!addressable) {
    if (!context.enforced(Rule::kAddressPointer)) return {};
    return failure(
        Rule::kAddressPointer, access.slot, access.reg,
        fmt::format("{} through {}", span_text(access), describe(base.type)),
        {{"why", fmt::format("r{} holds {}, not an address that may be used", access.reg, describe(base.type))}});
  }
  if (access.use == Use::kAtomic) {
    if (Check failed = check_atomic(context, base, access)) return failed;
  }
  switch (base.type) {
    case Type::kContext: return check_context(context, base, access);
    case Type::kPacket:
    case Type::kPacketMeta: return check_packet(context, base, access);
    case Type::kStack: return check_stack(context, base, access);
    case Type::kMapValue: return check_map_value(context, base, access);
    case Type::kMemory: return check_memory(context, base, access);
    case Type::kMapKey: return check_map_key(context, base, access);
    case Type::kRecord: return check_record(context, base, access);
    case Type::kSocket:
    case Type::kSocketCommon: return check_socket(context, base, access);
    case Type::kNothing:
    case Type::kScalar:
    case Type::kFunction:
    case Type::kPacketEnd:
    case Type::kMap:
    case Type::kMapValueOrNull:
    case Type::kRecordOrNull:
    case Type::kSocketOrNull:
    case Type::kSocketCommonOrNull:
    case Type::kMemoryOrNull: break;
  }
  return {};
}

bool is_xdp_socket(const Context& context, const Reg& reg) noexcept {
  if (reg.type != Type::kMapValue && reg.type != Type::kMapValueOrNull) return false;
  const vm::Map* const map = context.map(reg.map);
  return map != nullptr && map->spec().type == vm::MapType::kXskmap;
}

std::string_view describe(Type type) noexcept {
  switch (type) {
    case Type::kNothing: return "nothing yet";
    case Type::kScalar: return "a number";
    case Type::kContext: return "the context";
    case Type::kPacket: return "a packet pointer";
    case Type::kPacketEnd: return "data_end";
    case Type::kPacketMeta: return "a metadata pointer";
    case Type::kStack: return "a stack pointer";
    case Type::kMap: return "a map";
    case Type::kMapValue: return "a map value pointer";
    case Type::kMapValueOrNull: return "a map value pointer or null";
    case Type::kMemory: return "a memory pointer";
    case Type::kMemoryOrNull: return "a memory pointer or null";
    case Type::kMapKey: return "a pointer to an element's key";
    case Type::kFunction: return "the address of a function";
    case Type::kRecord: return "a record";
    case Type::kRecordOrNull: return "a record or null";
    case Type::kSocket:
    case Type::kSocketCommon: return "a socket";
    case Type::kSocketOrNull:
    case Type::kSocketCommonOrNull: return "a socket or null";
  }
  return "";
}

std::string place(const vm::LoadedProgram& program, std::uint32_t slot) {
  const vm::SourceLine* line = program.line_at(slot);
  if (line == nullptr) return fmt::format("insn {}", slot);
  return fmt::format("{}:{}", line->file.substr(line->file.rfind('/') + 1), line->line);
}

}  // namespace sluice::verifier
