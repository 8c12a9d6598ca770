// Arguments of helpers, maps of the wrong type or use, and the context.
#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "verifier/access.h"
#include "verifier/explain.h"
#include "vm/maps/map.h"
#include "vm/program_type.h"

namespace sluice::verifier {
namespace {

const vm::HelperDesc* helper_here(const Story& story) {
  return story.context.helpers.find(story.context.insn(story.failure.insn).imm);
}

std::string constant_of(std::string_view type) {
  std::string name = fmt::format("BPF_MAP_TYPE_{}", type);
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return name;
}

std::string put_together(const std::vector<std::string>& parts) {
  std::string text = parts[0] + "(";
  for (std::size_t i = 1; i < parts.size(); ++i) text += (i == 1 ? "" : ", ") + parts[i];
  return text + ")";
}

bool swap_or_set(Story& story, std::vector<std::string> parts, std::size_t at, const std::string& instead,
                 std::size_t swap_with) {
  const std::string before = put_together(parts);
  if (swap_with != 0) {
    std::swap(parts[at], parts[swap_with]);
  } else {
    parts[at] = instead;
  }
  return story.replace(story.failure.insn, before, put_together(parts));
}

void swap_call(Story& story, const std::vector<std::string>& parts, const std::string& instead) {
  if (!story.replace(story.failure.insn, put_together(parts), instead)) story.fix(instead);
}

std::string_view expected(vm::ArgKind kind) {
  switch (kind) {
    case vm::ArgKind::kContext: return "the program's own context";
    case vm::ArgKind::kConstMap: return "the address of a map";
    case vm::ArgKind::kMapKey: return "the address of a key";
    case vm::ArgKind::kMapValue:
    case vm::ArgKind::kMapValueOut: return "the address of a value";
    case vm::ArgKind::kScalar:
    case vm::ArgKind::kSize:
    case vm::ArgKind::kSizeOrZero: return "a number";
    default: return "the address of memory";
  }
}

}  // namespace

void explain_argument(Story& story) {
  const vm::HelperDesc* const helper = helper_here(story);
  const auto number = static_cast<std::size_t>(story.failure.reg);
  if (helper == nullptr || number < 1 || number > 5) return;
  const vm::ArgKind kind = helper->args[number - 1];
  const Reg& got = story.path.end.reg(static_cast<unsigned>(number));
  const std::vector<std::string> parts = story.call_here();
  const bool named = number < parts.size();
  story.drop("why");
  story.why(fmt::format("bpf_{} takes {} there{}", helper->name, expected(kind),
                        named ? fmt::format(", `{}` is {}", parts[number], describe(got.type)) : std::string()));
  const bool packet_refused = got.is_packet() && story.failure.rule == Rule::kArgMemory;
  if (packet_refused) {
    story.drop("why");
    story.why("the helper may not touch packet memory; it writes what is on the stack or in a map value");
    return;
  }
  if (kind == vm::ArgKind::kConstMap && got.type == Type::kMapValueOrNull) {
    story.drop("why");
    explain_null(story);
    return;
  }
  story.drop("fix");
  if (!named) {
    story.fix(fmt::format("pass {} as argument {}", expected(kind), number));
    return;
  }
  if (kind == vm::ArgKind::kContext && swap_or_set(story, parts, number, story.context_name(), 0)) return;
  if (kind == vm::ArgKind::kConstMap) {
    for (std::size_t other = 1; other < parts.size() && other <= 5; ++other) {
      if (story.path.end.reg(static_cast<unsigned>(other)).type != Type::kMap) continue;
      if (swap_or_set(story, parts, number, {}, other)) return;
    }
  }
  const std::string name = last_name(parts[number]);
  const bool address = kind == vm::ArgKind::kMapKey || kind == vm::ArgKind::kMapValue;
  if (address && got.is_scalar() && !name.empty() && swap_or_set(story, parts, number, "&" + name, 0)) return;
  story.fix(fmt::format("pass {} as argument {}", expected(kind), number));
}

void explain_map_type(Story& story) {
  const vm::HelperDesc* const helper = helper_here(story);
  const Reg& reg = story.path.end.reg(static_cast<unsigned>(story.failure.reg));
  if (helper == nullptr || reg.type != Type::kMap) return;
  const vm::MapSpec& spec = story.context.map(reg.map)->spec();
  story.drop("why");
  story.drop("fix");
  const std::string_view own = vm::map_type_name(spec.type);
  story.failure.message = fmt::format("bpf_{} does not work on {}, a map of type {}", helper->name, spec.name, own);
  if (helper->map_types.size() <= 4) {
    std::string types;
    for (const std::uint32_t type : helper->map_types) {
      types += fmt::format("{}{}", types.empty() ? "" : ", ", vm::map_type_name(static_cast<vm::MapType>(type)));
    }
    story.why(fmt::format("it works on {}", types));
    const std::string_view wanted = vm::map_type_name(static_cast<vm::MapType>(helper->map_types[0]));
    story.fix(fmt::format("in the declaration of {}: write `{}` instead of `{}`", spec.name, constant_of(wanted),
                          constant_of(own)));
  } else if (spec.type == vm::MapType::kProgArray) {
    story.why("programs of a program array are reached by bpf_tail_call only");
    story.fix("leave the look-up out: bpf_tail_call falls through where there is no program");
  } else if (spec.type == vm::MapType::kQueue || spec.type == vm::MapType::kStack) {
    story.why("a queue or stack has no keys");
    story.fix("use bpf_map_pop_elem or bpf_map_peek_elem");
  } else {
    story.fix("use a map of a type that it works on");
  }
}

void explain_map_use(Story& story) {
  const auto number = static_cast<unsigned>(story.failure.reg);
  const Reg& reg = story.path.end.reg(number);
  const vm::Map* const map =
      reg.type == Type::kMap || reg.type == Type::kMapValue ? story.context.map(reg.map) : nullptr;
  if (map == nullptr) return;
  const vm::MapSpec& spec = map->spec();
  story.drop("why");
  story.drop("fix");
  if (spec.name.starts_with('.')) {
    story.why("a const global is set before the program is loaded, and stays as it is");
    story.fix("drop const from the variable's declaration, or the write");
    return;
  }
  const bool write_only = (spec.flags & vm::kMapWriteOnlyProg) != 0 && story.failure.rule == Rule::kMapRead;
  const std::string_view flag = write_only ? "BPF_F_WRONLY_PROG" : "BPF_F_RDONLY_PROG";
  story.why(fmt::format("map {} is declared with {}", spec.name, flag));
  story.fix(fmt::format("in the declaration of {}: write `0` instead of `{}`", spec.name, flag));
}

void explain_missing_helper(Story& story) {
  // Helpers of programs that see socket buffers, and what XDP has instead.
  struct Pair {
    std::string_view skb, xdp;
  };
  static constexpr Pair kPairs[] = {{"bpf_skb_load_bytes", "bpf_xdp_load_bytes"},
                                    {"bpf_skb_store_bytes", "bpf_xdp_store_bytes"},
                                    {"bpf_skb_change_head", "bpf_xdp_adjust_head"},
                                    {"bpf_skb_change_tail", "bpf_xdp_adjust_tail"}};
  const std::vector<std::string> parts = story.call_here();
  if (parts.empty()) return;
  const auto* const pair = std::ranges::find(kPairs, std::string_view(parts[0]), &Pair::skb);
  if (pair == std::end(kPairs)) return;
  story.drop("fix");
  story.drop("why");
  story.why("helpers called skb_ work on socket buffers; XDP programs run before there is one");
  story.replace(story.failure.insn, pair->skb, pair->xdp);
}

void explain_atomic(Story& story) {
  const std::vector<std::string> parts = story.call_here();
  const Reg& base = story.path.end.reg(static_cast<unsigned>(story.failure.reg));
  if (story.failure.rule == Rule::kAtomicAlign) {
    story.drop("why");
    story.why(fmt::format("the address is not a multiple of {}; in a packed struct members lie anywhere",
                          story.context.row(story.failure.insn).size));
    story.fix("declare the struct without packed, or the member first");
    return;
  }
  if (parts.size() != 3 || parts[0] != "__sync_fetch_and_add" || !base.is_packet()) return;
  story.drop("fix");
  story.drop("why");
  story.why("nobody else has the frame: there is nothing to be atomic against");
  const std::string target = is_name(parts[1]) ? parts[1] : fmt::format("({})", parts[1]);
  swap_call(story, parts, fmt::format("*{} += {}", target, parts[2]));
}

void explain_pointer_kind(Story& story) {
  const Reg& pointer = story.path.end.reg(static_cast<unsigned>(story.failure.reg));
  if (pointer.type != Type::kPacketEnd) return;
  story.drop("why");
  story.drop("fix");
  story.why("data_end may be compared with, and nothing else");
  story.fix("count from data on: pointer = data + length, then compare pointer + size with data_end");
}

void explain_return(Story& story) {
  const std::string_view text = trimmed(story.text(story.failure.insn));
  if (!text.starts_with("return ") || !text.ends_with(';')) return;
  story.drop("fix");
  story.replace(story.failure.insn, text, "return XDP_PASS;");
}

void explain_context(Story& story) {
  const vm::InsnRow& row = story.context.row(story.failure.insn);
  const vm::Insn& insn = story.context.insn(story.failure.insn);
  if (story.failure.rule == Rule::kContextWrite) {
    story.drop("why");
    story.drop("fix");
    story.why("the fields of struct xdp_md are read-only to programs of this type");
    const vm::SourceLine* const line = story.line(story.failure.insn);
    if (line != nullptr && is_statement(line->text)) {
      story.fix(fmt::format("remove line {}: {}", line->line, trimmed(line->text)));
    } else {
      story.fix("keep the value in a variable of your own");
    }
    return;
  }
  const vm::ContextField* const field = vm::context_field(vm::xdp_devmap_type(), insn.offset);
  if (story.failure.rule == Rule::kContextField && row.kind == vm::Kind::kLoad && field != nullptr) {
    story.drop("why");
    story.drop("fix");
    story.failure.message = "read of ctx->egress_ifindex";
    story.why("only programs of a devmap entry or of a port's egress know where the frame leaves");
    const std::string& name = story.context.program.name;
    story.fix(fmt::format("in the declaration of {}: write `SEC(\"xdp/devmap\")` instead of `SEC(\"{}\")`",
                          name.empty() ? "the program" : name, story.context.program.section));
  } else if (story.failure.rule == Rule::kContextField) {
    story.drop("fix");
    story.fix("read one of ctx->data, data_end, data_meta, ingress_ifindex, rx_queue_index, as 4 bytes");
  } else if (story.failure.rule == Rule::kContextOffset) {
    story.drop("fix");
    story.fix("read the fields to choose from into variables first, by their names, through volatile");
  } else if (story.failure.rule == Rule::kContextSize) {
    story.drop("fix");
    const Accessed access = story.access();
    const bool field_named = access.pointer.starts_with('&') && access.pointer.find("->") != std::string::npos;
    const bool narrow = row.size < 4;
    if (narrow && field_named && story.replace(story.failure.insn, access.whole, access.pointer.substr(1))) return;
    story.fix("read each field by its name, as 4 bytes");
  }
}

}  // namespace sluice::verifier
