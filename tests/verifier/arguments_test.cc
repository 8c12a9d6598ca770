// Every argument of every helper, given every kind of value: the kernel and we agree which to refuse. And the kinds
// in the rows of helpers/table are what does it: without any one of them some such program would be accepted.
#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "helpers/table.h"
#include "tests/support/programs.h"
#include "tests/verifier/case.h"
#include "tests/verifier/kernel.h"
#include "verifier/verifier.h"

namespace sluice::verifier {
namespace {

using vm::ArgKind;
using vm::HelperDesc;

// A register filled in some way; %d stands for it. r6 is the context, r7 a packet pointer with 32 bytes proven, r8
// data_end, 16 bytes of stack are written.
struct Value {
  std::string_view name, text;
};
constexpr std::array<Value, 13> kValues{{{"nothing", ""},
                                         {"one", "mov %d, 1\n"},
                                         {"minus one", "mov %d, -1\n"},
                                         {"a big number", "mov %d, 4096\n"},
                                         {"the context", "mov %d, r6\n"},
                                         {"the packet", "mov %d, r7\n"},
                                         {"data_end", "mov %d, r8\n"},
                                         {"the last byte of stack", "mov %d, r10\nadd %d, -1\n"},
                                         {"the frame pointer", "mov %d, r10\n"},
                                         {"a map", "lddw_map %d, 0\n"},
                                         {"a value of a read-only map", "lddw_map_value %d, 1, 0\n"},
                                         {"constant text", "lddw_map_value %d, 2, 0\n"},
                                         {"the middle of a number", "mov %d, r10\nadd %d, -62\n"}}};

std::string fill(std::string text, unsigned number) {
  for (std::size_t at = text.find("%d"); at != std::string::npos; at = text.find("%d")) {
    text.replace(at, 2, fmt::format("r{}", number));
  }
  return text;
}

std::string good(ArgKind kind) {
  switch (kind) {
    case ArgKind::kNone: return {};
    case ArgKind::kAnything:
    case ArgKind::kScalar: return "mov %d, 0\n";
    case ArgKind::kContext: return "mov %d, r6\n";
    case ArgKind::kConstMap: return "lddw_map %d, 0\n";
    case ArgKind::kMapKey:
    case ArgKind::kMapValue:
    case ArgKind::kMapValueOut:
    case ArgKind::kReadMem:
    case ArgKind::kReadMemOrNull:
    case ArgKind::kInOutMem:
    case ArgKind::kInOutMemOrNull:
    case ArgKind::kWriteMem: return "mov %d, r10\nadd %d, -16\n";
    case ArgKind::kFixedMem:
    case ArgKind::kFixedMemInOut: return "mov %d, r10\nadd %d, -64\n";
    case ArgKind::kConstString: return "lddw_map_value %d, 2, 0\n";
    case ArgKind::kAllocSize:
    case ArgKind::kSize:
    case ArgKind::kSizeOrZero: return "mov %d, 8\n";
    case ArgKind::kCallback: return "lddw_code %d, body\n";
    case ArgKind::kCallbackContext: return "mov %d, 0\n";
    case ArgKind::kRecord:
    case ArgKind::kSocket: return "mov %d, r9\n";
    case ArgKind::kSpinLock:
    case ArgKind::kTimer: return {};  // a value's BTF tells of its lock and its timer: cases in C have them
  }
  return {};
}

bool takes(const HelperDesc& helper, ArgKind kind) { return std::ranges::find(helper.args, kind) != helper.args.end(); }

// A call of `helper` with good arguments, but for `number`, which gets `value`; number 0: all are good.
vm::LoadedProgram call(const HelperDesc& helper, unsigned number, std::string_view value) {
  std::string text = R"(
      mov r6, r1
      stdw [r10-16], 0
      stdw [r10-8], 0
      call get_smp_processor_id
      ldxw r7, [r6+0]
      ldxw r8, [r6+4]
      mov r0, r7
      add r0, 32
      jgt r0, r8, out
      mov r0, 0
)";
  if (takes(helper, ArgKind::kRecord) && (number == 0 || helper.args[number - 1] != ArgKind::kRecord)) {
    text += "lddw_map r1, 0\nmov r2, 8\nmov r3, 0\ncall ringbuf_reserve\njeq r0, 0, out\nmov r9, r0\n";
  }
  if (takes(helper, ArgKind::kSocket) && (number == 0 || helper.args[number - 1] != ArgKind::kSocket)) {
    text += "mov r1, r6\nmov r2, r10\nadd r2, -16\nmov r3, 12\nmov r4, -1\nmov r5, 0\ncall sk_lookup_tcp\n";
    text += "jeq r0, 0, out\nmov r9, r0\n";
  }
  if (takes(helper, ArgKind::kCallback)) text += "lddw_code r0, body\n";  // or nobody would come there
  for (unsigned i = 1; i <= helper.args.size(); ++i) {
    text += fill(i == number ? std::string(value) : good(helper.args[i - 1]), i);
  }
  text += fmt::format("call {}\n", helper.id);
  const bool record = helper.ret == vm::RetKind::kRecordOrNull;
  if (record) text += "jeq r0, 0, out\nmov r1, r0\nmov r2, 0\ncall ringbuf_discard\n";
  const bool socket = vm::hands_out(helper.ret) && !record;
  if (socket) text += "jeq r0, 0, out\nmov r1, r0\ncall sk_release\n";
  const bool keeps = takes(helper, ArgKind::kSocket) && helper.effect != vm::Effect::kRelease &&
                     (number == 0 || helper.args[number - 1] != ArgKind::kSocket);
  if (keeps) text += "mov r1, r9\ncall sk_release\n";
  text += "out: mov r0, 2\nexit\n";
  if (takes(helper, ArgKind::kCallback)) text += "body: mov r0, 0\nexit\n";
  auto type = helper.map_types.empty() ? vm::MapType::kHash : static_cast<vm::MapType>(helper.map_types.front());
  if (takes(helper, ArgKind::kRecord)) type = vm::MapType::kRingbuf;
  const bool small =
      type == vm::MapType::kProgArray || type == vm::MapType::kDevmap || type == vm::MapType::kPerfEventArray;
  const bool keyless = type == vm::MapType::kQueue;
  const auto map = type == vm::MapType::kRingbuf
                       ? std::string("ringbuf 0 0 4096")
                       : fmt::format("{} {} {} 4", vm::map_type_name(type), keyless ? 0 : 4, small ? 4 : 8);
  vm::LoadedProgram program = testing_support::program_from_asm(
      text, vm::xdp_type(),
      {testing_support::make_case_map(map), testing_support::make_case_map("array 4 16 1 rdonly"),
       testing_support::make_case_map("array 4 16 1 frozen")});
  program.license = "GPL";
  return program;
}

// helpers::table() in which argument `number` of one helper has another kind. Without a kind, memory is not judged with
// its size either.
std::vector<HelperDesc> mutilated(std::int32_t id, unsigned number, ArgKind kind) {
  std::vector<HelperDesc> rows(helpers::table().rows().begin(), helpers::table().rows().end());
  for (HelperDesc& row : rows) {
    if (row.id != id) continue;
    row.args[number - 1] = kind;
    const bool sized =
        number < row.args.size() && (row.args[number] == ArgKind::kSize || row.args[number] == ArgKind::kSizeOrZero);
    if (sized && kind == ArgKind::kNone) row.args[number] = ArgKind::kNone;
  }
  return rows;
}

// The kind of memory that is read where `kind` is memory that is written.
ArgKind only_read(ArgKind kind) {
  if (kind == ArgKind::kMapValueOut) return ArgKind::kMapValue;
  if (kind == ArgKind::kFixedMemInOut) return ArgKind::kFixedMem;
  return kind == ArgKind::kInOutMemOrNull ? ArgKind::kReadMemOrNull : ArgKind::kReadMem;
}

// Programs with a bad argument `number` that only the helper's own row refuses.
unsigned noticed(const HelperDesc& helper, unsigned number, const std::vector<HelperDesc>& rows) {
  unsigned count = 0;
  for (const Value& value : kValues) {
    const vm::LoadedProgram program = call(helper, number, value.text);
    const bool refused = !verify(program, helpers::table()).accepted();
    if (refused && verify(program, vm::HelperTable(rows)).accepted()) ++count;
  }
  return count;
}

TEST(HelperArguments, GoodOnesAreAcceptedHereAndByTheKernel) {
  std::string why;
  const bool kernel = testing_support::kernel_available(why);
  for (const HelperDesc& helper : helpers::table().rows()) {
    if (takes(helper, ArgKind::kSpinLock) || takes(helper, ArgKind::kTimer)) continue;
    const vm::LoadedProgram program = call(helper, 0, {});
    const Outcome outcome = verify(program, helpers::table());
    EXPECT_TRUE(outcome.accepted()) << helper.name << '\n' << render(outcome.rejection(), program);
    if (!kernel) continue;
    const auto verdict = testing_support::kernel_verdict(program);
    EXPECT_TRUE(verdict.accepted) << helper.name << '\n' << verdict.log;
  }
  if (!kernel) GTEST_SKIP() << why;
}

TEST(HelperArguments, AreRefusedExactlyWhereTheKernelRefusesThem) {
  std::string why;
  if (!testing_support::kernel_available(why)) GTEST_SKIP() << why;
  for (const HelperDesc& helper : helpers::table().rows()) {
    for (unsigned number = 1; number <= helper.args.size(); ++number) {
      for (const Value& value : kValues) {
        const vm::LoadedProgram program = call(helper, number, value.text);
        const bool accepted = verify(program, helpers::table()).accepted();
        const auto verdict = testing_support::kernel_verdict(program);
        EXPECT_EQ(accepted, verdict.accepted)
            << value.name << " as argument " << number << " of " << helper.name << '\n'
            << verdict.log;
      }
    }
  }
}

TEST(HelperArguments, LosingOneIsNoticed) {
  for (const HelperDesc& helper : helpers::table().rows()) {
    if (takes(helper, ArgKind::kTimer)) continue;  // no value here has a timer
    for (unsigned number = 1; number <= helper.args.size(); ++number) {
      const ArgKind kind = helper.args[number - 1];
      if (kind == ArgKind::kNone) continue;
      EXPECT_GT(noticed(helper, number, mutilated(helper.id, number, ArgKind::kNone)), 0U)
          << "argument " << number << " of " << helper.name;
      if (!vm::is_written(kind)) continue;
      EXPECT_GT(noticed(helper, number, mutilated(helper.id, number, only_read(kind))), 0U)
          << "argument " << number << " of " << helper.name << " as if it were read";
    }
  }
}

}  // namespace
}  // namespace sluice::verifier
