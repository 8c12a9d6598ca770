#include "tests/kernel/map_programs.h"

#include <fmt/format.h>

namespace sluice::kernel {
namespace {

struct Width {
  std::uint32_t bytes;
  const char* load;
  const char* store;
};
constexpr Width kWidths[] = {{8, "ldxdw", "stxdw"}, {4, "ldxw", "stxw"}, {2, "ldxh", "stxh"}, {1, "ldxb", "stxb"}};

// Copies `bytes` from [from + at] to [to + there], by r1.
std::string copy(const char* from, std::int64_t at, const char* to, std::int64_t there, std::uint32_t bytes) {
  std::string text;
  for (const Width& width : kWidths) {
    for (; bytes >= width.bytes; bytes -= width.bytes, at += width.bytes, there += width.bytes) {
      text += fmt::format("{} r1, [{}{:+}]\n{} [{}{:+}], r1\n", width.load, from, at, width.store, to, there);
    }
  }
  return text;
}

// A record being written about: r7 is the frame, r6 the context; ends with r0 the result.
struct Record {
  const RecordLayout& layout;
  std::uint32_t at;    // its place in the frame
  std::string unique;  // for labels

  [[nodiscard]] std::uint32_t key() const { return at + RecordLayout::kKey; }
  [[nodiscard]] std::uint32_t value() const { return at + layout.value_at(); }
  [[nodiscard]] std::string argument(const char* to) const {
    return fmt::format("ldxdw {}, [r7+{}]\n", to, at + RecordLayout::kArgument);
  }
  [[nodiscard]] static std::string place(const char* to, std::uint32_t in_frame) {
    return fmt::format("mov {0}, r7\nadd {0}, {1}\n", to, in_frame);
  }
  // The value that a look-up of map 0 gives goes through `use`, which may use r0.
  [[nodiscard]] std::string found(const std::string& call, const std::string& use) const {
    return "lddw_map r1, 0\n" + place("r2", key()) + call +
           fmt::format("jne r0, 0, found{0}\nmov r0, -2\nja done{0}\nfound{0}:\n", unique) + use +
           fmt::format("mov r0, 0\ndone{}:\n", unique);
  }
  [[nodiscard]] std::string lookup(std::uint32_t bytes) const {
    return found("call map_lookup_elem\n", copy("r0", 0, "r7", value(), bytes));
  }
  // The inner map in r1, then `call` on it, with the inner key in r2.
  [[nodiscard]] std::string inner(const std::string& call) const {
    return "lddw_map r1, 0\n" + place("r2", key()) +
           fmt::format("call map_lookup_elem\njne r0, 0, found{0}\nmov r0, -100\nja done{0}\nfound{0}:\nmov r1, r0\n",
                       unique) +
           place("r2", value()) + call + fmt::format("done{}:\n", unique);
  }
};

// On the stack, below what is output.
constexpr std::int32_t kStackValue = -512;
constexpr std::int32_t kStackData = -256;

std::string pop_like(const Record& record, const char* call) {
  return fmt::format("lddw_map r1, 0\nmov r2, r10\nadd r2, {}\ncall {}\nmov r8, r0\n", kStackValue, call) +
         copy("r10", kStackValue, "r7", record.value(), record.layout.value) + "mov r0, r8\n";
}

std::string fill(const char* what, std::uint32_t bytes) {
  std::string text;
  for (std::uint32_t i = 0; i < bytes; i += 8) text += fmt::format("stxdw [{}+{}], r9\n", what, i);
  return text;
}

std::string reserve_and(const Record& record, const char* call) {
  constexpr std::uint32_t kBytes = 40;
  return "lddw_map r1, 0\n" + fmt::format("mov r2, {}\n", kBytes) + record.argument("r3") +
         fmt::format("call ringbuf_reserve\njne r0, 0, got{0}\nmov r0, -1\nja done{0}\ngot{0}:\n", record.unique) +
         fmt::format("ldxdw r9, [r7+{}]\n", record.key()) + fill("r0", kBytes) +
         fmt::format("mov r1, r0\nldxw r2, [r7+{}]\ncall {}\nmov r0, 0\ndone{}:\n", record.key() + 4, call,
                     record.unique);
}

std::string reserve_two(const Record& record) {
  const std::string& n = record.unique;
  const auto get = [](unsigned bytes) {
    return fmt::format("lddw_map r1, 0\nmov r2, {}\nmov r3, 0\ncall ringbuf_reserve\n", bytes);
  };
  return get(24) + fmt::format("jne r0, 0, first{0}\nmov r0, -1\nja done{0}\nfirst{0}:\nmov r8, r0\n", n) +
         fmt::format("ldxdw r9, [r7+{}]\n", record.key()) + fill("r8", 24) + get(61) +
         fmt::format(
             "jne r0, 0, both{0}\nmov r1, r8\nmov r2, 0\ncall ringbuf_discard\nmov r0, -2\nja done{0}\n"
             "both{0}:\n",
             n) +
         fill("r0", 56) + "stxw [r0+56], r9\nstxb [r0+60], r9\n" +
         fmt::format(
             "mov r1, r0\nmov r2, 0\ncall ringbuf_submit\nmov r1, r8\nmov r2, 1\ncall ringbuf_submit\n"
             "mov r0, 0\ndone{}:\n",
             n);
}

std::string reserve_large(const Record& record) {
  return fmt::format(
      "lddw_map r1, 0\nmov r2, 4000\nmov r3, 0\ncall ringbuf_reserve\njne r0, 0, got{0}\nmov r0, -1\nja done{0}\n"
      "got{0}:\nmov r1, r0\nmov r2, 0\ncall ringbuf_discard\nmov r0, 0\ndone{0}:\n",
      record.unique);
}

std::string text_of(Operation operation, const Record& record) {
  const std::string map = "lddw_map r1, 0\n";
  const std::string key = Record::place("r2", record.key());
  switch (operation) {
    case Operation::kLookup: return record.lookup(record.layout.value);
    case Operation::kHasSocket: return record.found("call map_lookup_elem\n", "ldxw r1, [r0+0]\n");
    case Operation::kPoke:
      return record.found("call map_lookup_elem\n", fmt::format("ldxb r1, [r7+{}]\nstxb [r0+0], r1\n", record.value()));
    case Operation::kLookupPercpu:
      return record.found(record.argument("r3") + "call map_lookup_percpu_elem\n",
                          copy("r0", 0, "r7", record.value(), record.layout.value));
    case Operation::kUpdate:
      return map + key + Record::place("r3", record.value()) + record.argument("r4") + "call map_update_elem\n";
    case Operation::kDelete: return map + key + "call map_delete_elem\n";
    case Operation::kPush:
      return map + Record::place("r2", record.value()) + record.argument("r3") + "call map_push_elem\n";
    case Operation::kPop: return pop_like(record, "map_pop_elem");
    case Operation::kPeek: return pop_like(record, "map_peek_elem");
    case Operation::kContains:
      return copy("r7", record.value(), "r10", kStackValue, record.layout.value) +
             fmt::format("lddw_map r1, 0\nmov r2, r10\nadd r2, {}\ncall map_peek_elem\n", kStackValue);
    case Operation::kInnerLookup:
      return record.inner("call map_lookup_elem\n" +
                          fmt::format("jne r0, 0, inner{0}\nmov r0, -2\nja done{0}\ninner{0}:\n", record.unique) +
                          copy("r0", 0, "r7", record.value() + 8, 8) + "mov r0, 0\n");
    case Operation::kInnerUpdate:
      return record.inner(Record::place("r3", record.value() + 8) + record.argument("r4") + "call map_update_elem\n");
    case Operation::kInnerDelete: return record.inner("call map_delete_elem\n");
    case Operation::kRedirect:
      return map + fmt::format("ldxdw r2, [r7+{}]\n", record.key()) + record.argument("r3") + "call redirect_map\n";
    case Operation::kRingOutput:
      return map + fmt::format("mov r2, r10\nadd r2, {}\nldxw r3, [r7+{}]\nand r3, 255\n", kStackData, record.key()) +
             record.argument("r4") + "call ringbuf_output\n";
    case Operation::kRingSubmit: return reserve_and(record, "ringbuf_submit");
    case Operation::kRingDiscard: return reserve_and(record, "ringbuf_discard");
    case Operation::kRingTwo: return reserve_two(record);
    case Operation::kRingLarge: return reserve_large(record);
    case Operation::kRingQuery: return map + record.argument("r2") + "call ringbuf_query\n";
    case Operation::kPerfOutput:
      return "mov r1, r6\nlddw_map r2, 0\n" + record.argument("r3") +
             fmt::format("mov r4, r10\nadd r4, {}\nldxw r5, [r7+{}]\nand r5, 255\ncall perf_event_output\n", kStackData,
                         record.key());
  }
  return {};
}

}  // namespace

std::string program_text(const RecordLayout& layout, const std::vector<Operation>& operations, bool needs_data) {
  std::string text = fmt::format(
      "ldxw r7, [r1+0]\nldxw r2, [r1+4]\nmov r6, r1\nmov r3, r7\nadd r3, {}\njgt r3, r2, out\n", layout.frame());
  if (needs_data) text += copy("r7", 0, "r10", kStackData, RecordLayout::kData);
  for (std::uint32_t i = 0; i < layout.records; ++i) {
    const std::uint32_t at = RecordLayout::kData + i * layout.size();
    text += fmt::format("ldxb r1, [r7+{}]\n", at + RecordLayout::kOperation);
    for (std::size_t j = 0; j < operations.size(); ++j) text += fmt::format("jeq r1, {}, do{}_{}\n", j, i, j);
    text += fmt::format("ja next{}\n", i);
    for (std::size_t j = 0; j < operations.size(); ++j) {
      const Record record{layout, at, fmt::format("{}_{}", i, j)};
      text += fmt::format("do{}_{}:\n", i, j) + text_of(operations[j], record) + fmt::format("ja store{}\n", i);
    }
    text += fmt::format("store{0}:\nstxw [r7+{1}], r0\nnext{0}:\n", i, at + RecordLayout::kResult);
  }
  return text + "mov r0, 2\nexit\nout:\nmov r0, 1\nexit\n";
}

std::string chain_text(unsigned number) {
  return fmt::format(R"(
      ldxw r7, [r1+0]
      ldxw r2, [r1+4]
      mov r6, r1
      mov r3, r7
      add r3, {2}
      jgt r3, r2, out
      ldxb r4, [r7+0]
      jgt r4, 40, out
      mov r5, r7
      add r5, r4
      mov r3, r5
      add r3, {3}
      jgt r3, r2, out
      stb [r5+1], {0}
      ldxb r3, [r5+{1}]
      add r4, 1
      stxb [r7+0], r4
      mov r1, r6
      lddw_map r2, 0
      call tail_call
      mov r0, {0}
      exit
      out:
      mov r0, 100
      exit)",
                     number, kChainList, kChainFrame, kChainList + 1);
}

}  // namespace sluice::kernel
