#include "vm/asm.h"

#include <cctype>
#include <charconv>
#include <cstring>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "vm/helper_desc.h"

namespace sluice::vm {
namespace {

constexpr std::string_view kSpace = " \t\r";

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// A number as written, with its sign apart so that -2^63 .. 2^64-1 all fit.
struct Number {
  bool negative = false;
  std::uint64_t magnitude = 0;
};

std::optional<Number> parse_number(std::string_view text) {
  Number number;
  if (text.starts_with('-') || text.starts_with('+')) {
    number.negative = text[0] == '-';
    text.remove_prefix(1);
  }
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number.magnitude, base);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// The number as a two's complement value of `bits` bits; signed and unsigned spellings are both fine. Empty when it
// does not fit.
std::optional<std::uint64_t> fit(const Number& number, unsigned bits, bool allow_unsigned = true) {
  const std::uint64_t half = std::uint64_t{1} << (bits - 1);
  const std::uint64_t most = allow_unsigned ? half + (half - 1) : half - 1;
  if (number.magnitude > (number.negative ? half : most)) return std::nullopt;
  return number.negative ? std::uint64_t{0} - number.magnitude : number.magnitude;
}

// Splits at commas; an empty list of operands is empty.
std::vector<std::string_view> split_operands(std::string_view text) {
  std::vector<std::string_view> parts;
  text = trim(text);
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    parts.push_back(trim(text.substr(0, comma)));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
    if (trim(text).empty()) parts.emplace_back();  // a comma at the end: an empty operand, refused later
  }
  return parts;
}

bool is_label(std::string_view text) {
  if (text.empty() || std::isdigit(static_cast<unsigned char>(text[0])) != 0) return false;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_' && c != '.') return false;
  }
  return true;
}

// A jump or call whose label may come later in the text.
struct Fixup {
  std::size_t slot = 0;
  bool in_imm = false;  // the distance goes to imm, else to offset
  std::string_view label;
  unsigned line = 0;
};

class Assembler {
 public:
  Result<std::vector<Insn>> run(std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      ++line_;
      if (!statement(text.substr(0, end))) return error();
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    for (const Fixup& fixup : fixups_) {
      if (!resolve(fixup)) return error();
    }
    return std::move(insns_);
  }

 private:
  Error error() const { return {ErrorCode::kUsage, fmt::format("line {}: {}", line_, message_)}; }
  bool fail(std::string message) {
    message_ = std::move(message);
    return false;
  }

  bool statement(std::string_view text) {
    text = trim(text.substr(0, text.find('#')));
    const std::size_t colon = text.find(':');
    if (colon != std::string_view::npos) {
      const std::string_view label = trim(text.substr(0, colon));
      if (!is_label(label)) return fail(fmt::format("'{}' is no label name", label));
      if (!labels_.emplace(label, insns_.size()).second) return fail(fmt::format("label '{}' stands twice", label));
      text = trim(text.substr(colon + 1));
    }
    return text.empty() || instruction(text);
  }

  bool instruction(std::string_view text) {
    const std::size_t space = text.find_first_of(kSpace);
    const std::string_view mnemonic = text.substr(0, space);
    const auto operands = split_operands(space == std::string_view::npos ? std::string_view{} : text.substr(space));
    if (mnemonic == "??") return raw(operands);
    const InsnRow* row = nullptr;
    bool known = false;
    for (const InsnRow& candidate : all_rows()) {
      if (candidate.mnemonic != mnemonic) continue;
      known = true;
      if (takes(candidate, operands)) {
        row = &candidate;
        break;
      }
    }
    if (!known) return fail(fmt::format("unknown instruction '{}'", mnemonic));
    if (row == nullptr)
      return fail(fmt::format("'{}' does not take {} operands like these", mnemonic, operands.size()));
    Insn insn{.opcode = row->opcode};
    insn.src = static_cast<std::uint8_t>(row->src.value) & 0xf;
    insn.offset = static_cast<std::int16_t>(row->offset.value);
    insn.imm = row->imm.value;
    return fill(*row, operands, insn);
  }

  // Whether the row is the one meant, judged by the number of operands and by whether the second is a register.
  static bool takes(const InsnRow& row, const std::vector<std::string_view>& operands) {
    const auto is_register = [&](std::size_t i) { return register_number(operands[i]).has_value(); };
    const bool reg = row.source == Source::kReg;
    switch (row.kind) {
      case Kind::kAlu:
        if (row.alu() == AluOp::kNeg) return operands.size() == 1;
        return operands.size() == 2 && is_register(1) == reg;
      case Kind::kEndian: return operands.size() == 1;
      case Kind::kBranch: return operands.size() == 3 && is_register(1) == reg;
      case Kind::kLoad:
      case Kind::kLoadSigned:
      case Kind::kStore:
      case Kind::kStoreImm:
      case Kind::kAtomic: return operands.size() == 2;
      case Kind::kLoadImm64: return operands.size() == 2 || (operands.size() == 3 && row.op != 0);
      case Kind::kGoto:
      case Kind::kCallHelper:
      case Kind::kCallLocal:
      case Kind::kCallKernel: return operands.size() == 1;
      case Kind::kExit: return operands.empty();
      case Kind::kLegacyLoad: return operands.size() == (row.src.mode == FieldRule::Mode::kOperand ? 2U : 1U);
    }
    return false;
  }

  bool fill(const InsnRow& row, const std::vector<std::string_view>& operands, Insn insn) {
    switch (row.kind) {
      case Kind::kAlu:
      case Kind::kEndian:
        if (!dst(operands[0], insn)) return false;
        if (operands.size() == 2 && !source(row, operands[1], insn)) return false;
        break;
      case Kind::kBranch:
        if (!dst(operands[0], insn) || !source(row, operands[1], insn) || !target(operands[2], false, insn)) {
          return false;
        }
        break;
      case Kind::kLoad:
      case Kind::kLoadSigned:
        if (!dst(operands[0], insn) || !address(operands[1], false, insn)) return false;
        break;
      case Kind::kStore:
      case Kind::kStoreImm:
      case Kind::kAtomic:
        if (!address(operands[0], true, insn) || !source(row, operands[1], insn)) return false;
        break;
      case Kind::kLoadImm64: return wide_immediate(row, operands, insn);
      case Kind::kGoto:
        if (!target(operands[0], !row.wide, insn)) return false;
        break;
      case Kind::kCallLocal:
        if (!target(operands[0], true, insn)) return false;
        break;
      case Kind::kCallHelper:
        if (!helper(operands[0], insn)) return false;
        break;
      case Kind::kCallKernel:
        if (!immediate(operands[0], insn)) return false;
        break;
      case Kind::kExit: break;
      case Kind::kLegacyLoad:
        if (operands.size() == 2 && !src(operands[0], insn)) return false;
        if (!immediate(operands.back(), insn)) return false;
        break;
    }
    insns_.push_back(insn);
    return true;
  }

  static std::optional<std::uint8_t> register_number(std::string_view text) {
    if (!text.starts_with('r') || text.size() < 2 || text.size() > 3) return std::nullopt;
    unsigned number = 0;
    const auto [end, bad] = std::from_chars(text.data() + 1, text.data() + text.size(), number);
    if (bad != std::errc{} || end != text.data() + text.size() || number > 15) return std::nullopt;
    return static_cast<std::uint8_t>(number);
  }

  bool dst(std::string_view text, Insn& insn) {
    const auto number = register_number(text);
    if (!number) return fail(fmt::format("'{}' is no register (r0..r10)", text));
    insn.dst = *number & 0xf;
    return true;
  }
  bool src(std::string_view text, Insn& insn) {
    const auto number = register_number(text);
    if (!number) return fail(fmt::format("'{}' is no register (r0..r10)", text));
    insn.src = *number & 0xf;
    return true;
  }
  bool immediate(std::string_view text, Insn& insn) {
    const auto number = parse_number(text);
    if (!number) return fail(fmt::format("'{}' is no number", text));
    const auto value = fit(*number, 32);
    if (!value) return fail(fmt::format("{} does not fit 32 bits", text));
    insn.imm = static_cast<std::int32_t>(*value);
    return true;
  }
  bool source(const InsnRow& row, std::string_view text, Insn& insn) {
    return row.source == Source::kReg ? src(text, insn) : immediate(text, insn);
  }

  // "[rN]", "[rN+4]", "[rN-8]": the register goes to dst or src, the rest to offset.
  bool address(std::string_view text, bool to_dst, Insn& insn) {
    if (!text.starts_with('[') || !text.ends_with(']'))
      return fail(fmt::format("'{}' is no address [rN+offset]", text));
    text = trim(text.substr(1, text.size() - 2));
    const std::size_t sign = text.find_first_of("+-");
    const std::string_view base = trim(text.substr(0, sign));
    if (!(to_dst ? dst(base, insn) : src(base, insn))) return false;
    if (sign == std::string_view::npos) return true;
    return offset(text.substr(sign), insn);
  }
  bool offset(std::string_view text, Insn& insn) {
    const auto number = parse_number(text);
    if (!number) return fail(fmt::format("'{}' is no number", text));
    const auto value = fit(*number, 16, false);
    if (!value) return fail(fmt::format("offset {} is out of range -32768..32767", text));
    insn.offset = static_cast<std::int16_t>(*value);
    return true;
  }

  // A helper's id or the kernel's name of it.
  bool helper(std::string_view text, Insn& insn) {
    if (!is_label(text)) return immediate(text, insn);
    for (std::int32_t id = 1; !kernel_helper_name(id).empty(); ++id) {
      if (kernel_helper_name(id) != text) continue;
      insn.imm = id;
      return true;
    }
    return fail(fmt::format("there is no helper '{}'", text));
  }

  // A label, or a signed distance in slots from the next instruction.
  bool target(std::string_view text, bool in_imm, Insn& insn) {
    if (is_label(text)) {
      fixups_.push_back({insns_.size(), in_imm, text, line_});
      return true;
    }
    return in_imm ? immediate(text, insn) : offset(text, insn);
  }

  // `lddw rN, NUMBER` or, for the other kinds, `lddw_KIND rN, FIRST[, SECOND]`: the imm of either slot.
  bool wide_immediate(const InsnRow& row, const std::vector<std::string_view>& operands, Insn insn) {
    Insn second;
    if (!dst(operands[0], insn)) return false;
    if (row.op == static_cast<std::uint8_t>(Imm64::kNumber)) {
      const auto number = parse_number(operands[1]);
      if (!number) return fail(fmt::format("'{}' is no number", operands[1]));
      const auto value = fit(*number, 64);
      if (!value) return fail(fmt::format("{} does not fit 64 bits", operands[1]));
      insn.imm = static_cast<std::int32_t>(*value);
      second.imm = static_cast<std::int32_t>(*value >> 32);
    } else {
      const bool code = row.op == static_cast<std::uint8_t>(Imm64::kCode);
      if (!(code ? target(operands[1], true, insn) : immediate(operands[1], insn))) return false;
      if (operands.size() == 3 && !immediate(operands[2], second)) return false;
    }
    insns_.push_back(insn);
    insns_.push_back(second);
    return true;
  }

  // `?? 0123456789abcdef`: the eight bytes of a slot in memory order.
  bool raw(const std::vector<std::string_view>& operands) {
    if (operands.size() != 1 || operands[0].size() != 16) return fail("a raw slot is written as 16 hex digits");
    std::array<std::uint8_t, 8> bytes{};
    for (std::size_t i = 0; i < 8; ++i) {
      const char* digits = operands[0].data() + 2 * i;
      const auto [end, bad] = std::from_chars(digits, digits + 2, bytes[i], 16);
      if (bad != std::errc{} || end != digits + 2) return fail("a raw slot is written as 16 hex digits");
    }
    Insn insn;
    std::memcpy(&insn, bytes.data(), sizeof insn);
    insns_.push_back(insn);
    return true;
  }

  bool resolve(const Fixup& fixup) {
    line_ = fixup.line;
    const auto found = labels_.find(fixup.label);
    if (found == labels_.end()) return fail(fmt::format("there is no label '{}'", fixup.label));
    const auto distance = static_cast<std::int64_t>(found->second) - static_cast<std::int64_t>(fixup.slot) - 1;
    if (fixup.in_imm) {
      insns_[fixup.slot].imm = static_cast<std::int32_t>(distance);
      return true;
    }
    if (distance < INT16_MIN || distance > INT16_MAX) {
      return fail(fmt::format("label '{}' is {} slots away, a jump reaches -32768..32767", fixup.label, distance));
    }
    insns_[fixup.slot].offset = static_cast<std::int16_t>(distance);
    return true;
  }

  std::vector<Insn> insns_;
  std::map<std::string_view, std::size_t> labels_;  // slot each label names
  std::vector<Fixup> fixups_;
  unsigned line_ = 0;  // of the statement being read, from 1
  std::string message_;
};

}  // namespace

Result<std::vector<Insn>> assemble(std::string_view text) { return Assembler().run(text); }

}  // namespace sluice::vm
