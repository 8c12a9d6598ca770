#include "tests/fuzz/generator.h"

#include <iterator>
#include <random>
#include <vector>

#include <fmt/format.h>

namespace sluice::fuzz {
namespace {

// What a register is meant to hold; the program may well do otherwise.
enum class Role : std::uint8_t { kNone, kNumber, kPacket, kEnd, kValue, kMaybeNull, kStack, kContext };

constexpr std::string_view kSizes[] = {"b", "h", "w", "dw"};
constexpr unsigned kWidths[] = {1, 2, 4, 8};
constexpr std::string_view kOps[] = {"add", "sub", "mul", "and", "or", "xor", "mov", "div", "mod", "sdiv", "smod"};
constexpr std::string_view kShifts[] = {"lsh", "rsh", "arsh"};
constexpr std::string_view kConds[] = {"jeq",  "jne",  "jgt",  "jge",  "jlt", "jle",
                                       "jsgt", "jsge", "jslt", "jsle", "jset"};
constexpr std::string_view kOne[] = {"neg",  "neg32", "be16",    "be32",    "be64",
                                     "le16", "le32",  "bswap16", "bswap32", "bswap64"};
constexpr std::string_view kExtend[] = {"movsx8", "movsx16", "movsx32", "movsx832", "movsx1632"};
constexpr std::string_view kNumbers[] = {
    "0",  "1",  "2",  "3",   "4",  "7",   "8",   "15",   "16",   "31",    "48",         "63",         "64", "255",
    "-1", "-2", "-8", "-16", "12", "127", "128", "4095", "4096", "65535", "0x7fffffff", "0x80000000", "100"};

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  std::string run() {
    begin();
    const unsigned count = 2 + pick(7);
    for (unsigned i = 0; i < count; ++i) fragment();
    if (chance(50)) number_of(0);
    add(chance(70) ? "mov r0, 2" : "and r0, 7");
    add("exit");
    text_ += "out:\n mov r0, 1\n exit\n";
    for (const std::string& function : functions_) text_ += function;
    return std::move(text_);
  }

 private:
  unsigned pick(unsigned n) { return static_cast<unsigned>(random_() % n); }
  bool chance(unsigned percent) { return pick(100) < percent; }
  template <typename T, std::size_t N>
  const T& one(const T (&all)[N]) {
    return all[pick(N)];
  }
  void add(const std::string& line) { text_ += " " + line + "\n"; }
  template <typename... A>
  void put(fmt::format_string<A...> format, A&&... values) {
    add(fmt::format(format, std::forward<A>(values)...));
  }
  std::string label() { return fmt::format("l{}", labels_++); }

  // A register of that role, or any now and then, or when there is none.
  unsigned reg(Role role) {
    std::vector<unsigned> fit;
    for (unsigned r = 0; r < 10; ++r) {
      if (roles_[r] == role) fit.push_back(r);
    }
    if (fit.empty() || chance(2)) return pick(10);
    return fit[pick(static_cast<unsigned>(fit.size()))];
  }
  // One to be overwritten: rarely the context or data_end.
  unsigned target() {
    unsigned r = pick(10);
    for (unsigned i = 0; i < 4 && (roles_[r] == Role::kContext || roles_[r] == Role::kEnd); ++i) r = pick(10);
    return r;
  }
  std::string number_or_reg() {
    return chance(60) ? std::string(one(kNumbers)) : fmt::format("r{}", reg(Role::kNumber));
  }
  void now(unsigned r, Role role) { roles_[r] = role; }
  void call_done(Role result) {
    for (unsigned r = 0; r <= 5; ++r) now(r, Role::kNone);
    now(0, result);
  }

  void begin() {
    add("mov r6, r1");
    put("ldxw r7, [r1+0]");
    put("ldxw r8, [r1+4]");
    now(6, Role::kContext);
    now(7, Role::kPacket);
    now(8, Role::kEnd);
    checked_ = 14 + pick(3) * 10;
    put("mov r2, r7");
    put("add r2, {}", checked_);
    put("jgt r2, r8, out");
    now(2, Role::kPacket);
    if (chance(70)) {
      put("lddw_map_value r9, 3, {}", chance(70) ? 0 : pick(64));
      now(9, Role::kValue);
    }
    for (unsigned r : {3U, 4U}) number_of(r);
  }

  // Something unknown, or known a little.
  void number_of(unsigned r) {
    switch (pick(7)) {
      case 0: put("ldxb r{}, [r7+{}]", r, pick(14)); break;
      case 1: put("ldxh r{}, [r7+{}]", r, pick(13)); break;
      case 2: put("ldxw r{}, [r7+{}]", r, pick(11)); break;
      case 3: put("ldxdw r{}, [r7+{}]", r, pick(7)); break;
      case 4: put("ldxw r{}, [r6+{}]", r, chance(50) ? 12 : 16); break;
      case 5: put("ldxs{} r{}, [r7+{}]", kSizes[pick(3)], r, pick(8)); break;
      default: put("mov r{}, {}", r, one(kNumbers)); break;
    }
    now(r, Role::kNumber);
  }

  void fragment() {
    switch (pick(10)) {
      case 0:
      case 1: packet_compare(); break;
      case 2: map_offset(); break;
      case 3: look_up(); break;
      case 4:
      case 5: spill(); break;
      case 6: helper(); break;
      case 7: chance(50) ? local_call() : loop(); break;
      default:
        for (unsigned i = 1 + pick(4); i > 0; --i) arithmetic();
        break;
    }
  }

  void arithmetic() {
    const unsigned r = chance(90) ? reg(Role::kNumber) : target();
    switch (pick(8)) {
      case 0: put("{}{} r{}, {}", one(kShifts), chance(50) ? "" : "32", r, chance(85) ? pick(32) : pick(64)); break;
      case 1: put("{} r{}", one(kOne), r); break;
      case 2: put("{} r{}, r{}", one(kExtend), r, reg(Role::kNumber)); break;
      case 3: {  // a branch over something
        const std::string to = chance(20) ? "out" : label();
        put("{}{} r{}, {}, {}", one(kConds), chance(60) ? "" : "32", r, number_or_reg(), to);
        if (to == "out") break;
        for (unsigned i = 1 + pick(3); i > 0; --i) {
          put("{}{} r{}, {}", one(kOps), chance(60) ? "" : "32", reg(Role::kNumber), one(kNumbers));
        }
        text_ += to + ":\n";
        break;
      }
      case 4: number_of(target_number()); break;
      case 5: {
        const unsigned to = target_number();
        put("mov{} r{}, r{}", chance(70) ? "" : "32", to, reg(Role::kNumber));
        now(to, Role::kNumber);
        break;
      }
      default: put("{}{} r{}, {}", one(kOps), chance(60) ? "" : "32", r, number_or_reg()); break;
    }
  }
  unsigned target_number() { return pick(6); }

  // Makes r bounded, in one of the ways programs do it.
  void bound(unsigned r) {
    static constexpr unsigned kLimits[] = {1, 3, 7, 8, 15, 16, 31, 40, 63};
    const unsigned limit = one(kLimits);
    switch (pick(7)) {
      case 0:
      case 1: put("and r{}, {}", r, limit); break;
      case 2: put("jgt{} r{}, {}, out", chance(50) ? "" : "32", r, limit); break;
      case 3: put("jge{} r{}, {}, out", chance(50) ? "" : "32", r, limit); break;
      case 4:
        put("jsgt{} r{}, {}, out", chance(70) ? "" : "32", r, limit);
        if (chance(80)) put("jslt{} r{}, {}, out", chance(70) ? "" : "32", r, chance(80) ? 0 : 1);
        break;
      case 5: put("mod{} r{}, {}", chance(50) ? "" : "32", r, limit + 1); break;
      default: {  // through a copy
        unsigned copy = pick(6);
        if (copy == r) copy = (copy + 1) % 6;
        put("mov{} r{}, r{}", chance(80) ? "" : "32", copy, r);
        now(copy, Role::kNumber);
        if (chance(40)) put("add r{}, {}", copy, static_cast<int>(pick(9)) - 4);
        put("jgt{} r{}, {}, out", chance(80) ? "" : "32", copy, limit);
        break;
      }
    }
    if (chance(30)) put("{} r{}, {}", chance(50) ? "lsh" : "rsh", r, pick(3));
  }

  void access(unsigned base, int lowest, int highest, bool store) {
    const unsigned size = pick(4);
    const int offset = lowest + static_cast<int>(pick(static_cast<unsigned>(highest - lowest + 1)));
    if (!store) {
      const unsigned to = target_number();
      put("ldx{} r{}, [r{}{:+}]", kSizes[size], to, base, offset);
      now(to, Role::kNumber);
    } else if (chance(50)) {
      put("stx{} [r{}{:+}], r{}", kSizes[size], base, offset, reg(Role::kNumber));
    } else {
      put("st{} [r{}{:+}], {}", kSizes[size], base, offset, one(kNumbers));
    }
  }

  void packet_compare() {
    const unsigned pointer = target_number();
    if (chance(30)) {  // metadata
      const unsigned meta = (pointer + 1) % 6;
      put("ldxw r{}, [r6+8]", pointer);
      put("mov r{}, r{}", meta, pointer);
      put("add r{}, {}", meta, 4 * (1 + pick(4)));
      put("{} r{}, r7, out", one(kConds), meta);
      now(meta, Role::kNone);
      access(pointer, 0, 8, chance(50));
      now(pointer, Role::kNone);
      return;
    }
    put("mov r{}, r{}", pointer, chance(80) ? 7 : reg(Role::kPacket));
    now(pointer, Role::kPacket);
    if (chance(50)) {
      const unsigned by = reg(Role::kNumber);
      if (by != pointer) {
        if (chance(85)) bound(by);
        put("{} r{}, r{}", chance(90) ? "add" : "sub", pointer, by);
      }
    }
    if (chance(40)) put("add r{}, {}", pointer, chance(80) ? static_cast<int>(pick(20)) : -static_cast<int>(pick(8)));
    const unsigned bytes = 1 + pick(24);
    unsigned end = pick(6);
    if (end == pointer) end = (end + 1) % 6;
    put("mov r{}, r{}", end, pointer);
    put("add r{}, {}", end, bytes);
    now(end, Role::kPacket);
    static constexpr std::string_view kOut[] = {"jgt", "jgt", "jgt", "jge", "jge"};
    static constexpr std::string_view kIn[] = {"jle", "jlt"};
    if (chance(70)) {
      const bool mirrored = chance(30);
      if (chance(10)) {
        put("{} r{}, r8, out", one(kConds), end);
      } else if (mirrored) {
        put("{} r8, r{}, out", chance(60) ? "jlt" : "jle", end);
      } else {
        put("{} r{}, r8, out", one(kOut), end);
      }
    } else {
      const std::string inside = label();
      if (chance(30)) {
        put("{} r8, r{}, {}", chance(50) ? "jge" : "jgt", end, inside);
      } else {
        put("{} r{}, r8, {}", one(kIn), end, inside);
      }
      add("ja out");
      text_ += inside + ":\n";
    }
    const int most = static_cast<int>(bytes);
    for (unsigned i = 1 + pick(2); i > 0; --i) {
      switch (pick(4)) {
        case 0: access(end, -most, chance(10) ? 0 : -1, chance(40)); break;
        case 1: access(7, 0, static_cast<int>(checked_) - 1, chance(40)); break;
        default: access(pointer, chance(5) ? -1 : 0, most - (chance(30) ? 1 : most > 8 ? 8 : most), chance(40)); break;
      }
    }
  }

  void map_offset() {
    const unsigned base = reg(Role::kValue);
    const unsigned by = reg(Role::kNumber);
    for (unsigned i = pick(3); i > 0; --i) {
      put("{}{} r{}, {}", one(kOps), chance(60) ? "" : "32", by, number_or_reg());
    }
    if (chance(92)) bound(by);
    unsigned pointer = target_number();
    if (pointer == by) pointer = (pointer + 1) % 6;
    if (chance(80)) {
      put("mov r{}, r{}", pointer, base);
      put("{} r{}, r{}", chance(85) ? "add" : "sub", pointer, by);
    } else {
      put("mov r{}, r{}", pointer, by);
      put("add r{}, r{}", pointer, base);
    }
    now(pointer, Role::kValue);
    if (chance(25)) put("add r{}, {}", pointer, static_cast<int>(pick(24)) - 8);
    access(pointer, chance(15) ? -8 : 0, 8, chance(50));
    now(pointer, Role::kNone);
  }

  void look_up() {
    static constexpr unsigned kMaps[] = {0, 0, 1, 3, 4, 5};
    const unsigned map = one(kMaps);
    const unsigned key = 8 * (1 + pick(3));
    if (chance(50)) {
      put("st{} [r10-{}], {}", map == 1 ? "dw" : "w", key, pick(6));
    } else {
      put("stx{} [r10-{}], r{}", map == 1 ? "dw" : "w", key, reg(Role::kNumber));
    }
    put("mov r2, r10");
    put("add r2, -{}", key);
    put("lddw_map r1, {}", map);
    put("call map_lookup_elem");
    call_done(Role::kMaybeNull);
    const unsigned keep = chance(50) ? 0 : 9;
    if (keep != 0) put("mov r{}, r0", keep);
    if (chance(20)) {  // checked through a spilled copy
      put("stxdw [r10-32], r0");
      if (chance(90)) put("jeq r0, 0, out");
      put("ldxdw r{}, [r10-32]", keep);
    } else if (chance(90)) {
      if (chance(80)) {
        put("jeq r{}, 0, out", chance(80) ? keep : 0U);
      } else {
        const std::string good = label();
        put("jne r{}, 0, {}", keep, good);
        add("ja out");
        text_ += good + ":\n";
      }
    }
    now(keep, Role::kValue);
    for (unsigned r : {3U, 4U}) number_of(r);
    access(keep, 0, chance(20) ? 15 : 8, chance(40) && map != 5);
    if (map == 0 && chance(20))
      put("atomic_{}64 [r{}+8], r{}", chance(50) ? "add" : "fetch_xor", keep, reg(Role::kNumber));
  }

  void spill() {
    const unsigned slot = 8 * (1 + pick(4));
    const bool pointer = chance(35);
    const unsigned from = pointer ? (chance(50) ? reg(Role::kPacket) : reg(Role::kValue)) : reg(Role::kNumber);
    const unsigned size = pointer ? 3 : pick(4);
    put("stx{} [r10-{}], r{}", kSizes[size], slot, from);
    switch (pick(6)) {
      case 0: put("{}{} r{}, {}, out", one(kConds), chance(60) ? "" : "32", reg(Role::kNumber), number_or_reg()); break;
      case 1: put("st{} [r10-{}], {}", kSizes[pick(3)], slot - pick(8), one(kNumbers)); break;
      case 2:
        if (!pointer) bound(from);
        break;
      case 3: {  // somewhere in the stack
        const unsigned by = reg(Role::kNumber);
        unsigned base = target_number();
        if (base == by) base = (base + 1) % 6;
        put("and r{}, {}", by, chance(50) ? 24 : 7);
        put("mov r{}, r10", base);
        put("add r{}, r{}", base, by);
        now(base, Role::kStack);
        access(base, -32, -32 + 8 * static_cast<int>(pick(2)), chance(50));
        now(base, Role::kNone);
        break;
      }
      case 4: put("atomic_{}64 [r10-{}], r{}", chance(50) ? "add" : "fetch_add", slot, reg(Role::kNumber)); break;
      default: break;
    }
    const unsigned to = target_number();
    const unsigned load = chance(75) ? size : pick(4);
    const unsigned inside = chance(80) ? 0 : pick(8);
    put("ldx{} r{}, [r10-{}]", kSizes[load], to, slot - std::min(inside, slot - kWidths[load]));
    now(to, pointer ? roles_[from] : Role::kNumber);
    if (pointer && to != 7 && chance(70)) access(to, 0, 8, chance(30));
  }

  void helper() {
    switch (pick(9)) {
      case 0:  // moves the packet
        put("mov r1, r6");
        put("mov r2, {}", static_cast<int>(4 * pick(6)) - 8);
        put("call {}", chance(50) ? "xdp_adjust_head" : chance(50) ? "xdp_adjust_tail" : "xdp_adjust_meta");
        call_done(Role::kNumber);
        if (chance(90)) {
          put("ldxw r7, [r6+0]");
          put("ldxw r8, [r6+4]");
          put("mov r2, r7");
          put("add r2, {}", checked_);
          put("jgt r2, r8, out");
        }
        break;
      case 1:
      case 2: {  // update or delete
        const unsigned map = pick(2);
        put("st{} [r10-8], {}", map == 1 ? "dw" : "w", pick(5));
        put("stxdw [r10-24], r{}", reg(Role::kNumber));
        put("stdw [r10-16], {}", one(kNumbers));
        put("mov r2, r10");
        put("add r2, -8");
        put("mov r3, r10");
        put("add r3, -24");
        put("mov r4, {}", chance(80) ? 0 : pick(4));
        put("lddw_map r1, {}", map);
        put("call {}", chance(70) ? "map_update_elem" : "map_delete_elem");
        call_done(Role::kNumber);
        break;
      }
      case 3: {  // memory with a size
        const unsigned size = reg(Role::kNumber);
        if (chance(90)) bound(size);
        put("stdw [r10-16], 0");
        put("stdw [r10-8], 0");
        put("mov r5, r{}", size);
        put("mov r1, r10");
        put("add r1, -16");
        put("mov r2, {}", chance(60) ? "16" : "8");
        put("mov r3, {}", chance(50) ? "r10" : "r7");
        put("mov r4, {}", chance(70) ? "8" : "r5");
        if (chance(60)) put("add r3, -{}", 8 * (1 + pick(2)));
        put("mov r5, {}", one(kNumbers));
        put("call csum_diff");
        call_done(Role::kNumber);
        break;
      }
      case 4:
        put("mov r1, r6");
        put("mov r2, {}", pick(20));
        put("mov r3, r10");
        put("add r3, -{}", 8 * (1 + pick(3)));
        put("mov r4, {}", 1 + pick(16));
        put("call {}", chance(70) ? "xdp_load_bytes" : "xdp_store_bytes");
        call_done(Role::kNumber);
        break;
      case 5:
        put("mov r1, r6");
        put("lddw_map r2, 2");
        put("mov r3, {}", number_or_reg());
        put("call tail_call");
        call_done(Role::kNone);
        break;
      case 6:
        put("mov r1, {}", pick(4));
        put("mov r2, 0");
        put("call redirect");
        call_done(Role::kNumber);
        break;
      default:
        if (chance(90)) put("mov r1, r6");
        put("call xdp_get_buff_len");
        call_done(Role::kNumber);
        break;
    }
    for (unsigned r : {3U, 4U}) {
      if (chance(70)) number_of(r);
    }
  }

  void local_call() {
    const std::string name = fmt::format("f{}", functions_.size());
    const unsigned argument = pick(4);
    static constexpr Role kRoles[] = {Role::kNumber, Role::kPacket, Role::kValue, Role::kStack};
    if (kRoles[argument] == Role::kStack) {
      put("stdw [r10-16], {}", one(kNumbers));
      put("mov r1, r10");
      put("add r1, -16");
    } else {
      put("mov r1, r{}", reg(kRoles[argument]));
    }
    put("mov r2, {}", number_or_reg());
    put("call_local {}", name);
    call_done(Role::kNumber);
    std::string body = name + ":\n";
    const auto in = [&body](const std::string& line) { body += " " + line + "\n"; };
    in(chance(50) ? "mov r0, r2" : "mov r0, 1");
    if (chance(60)) in(fmt::format("and r2, {}", chance(50) ? 7 : 3));
    switch (pick(5)) {
      case 0: in(fmt::format("ldx{} r0, [r1+{}]", kSizes[pick(4)], pick(9))); break;
      case 1:
        in("add r1, r2");
        in(fmt::format("ldx{} r0, [r1+{}]", kSizes[pick(4)], pick(4)));
        break;
      case 2: in(fmt::format("stx{} [r1+0], r2", kSizes[pick(4)])); break;
      case 3:
        in("stxdw [r10-8], r2");
        in("ldxdw r0, [r10-8]");
        break;
      default: in(fmt::format("{} r0, {}", one(kOps), one(kNumbers))); break;
    }
    in("exit");
    functions_.push_back(std::move(body));
    for (unsigned r : {3U, 4U}) number_of(r);
  }

  void loop() {
    const unsigned counter = target_number();
    unsigned sum = (counter + 1) % 6;
    put("mov r{}, 0", counter);
    put("mov r{}, 0", sum);
    now(counter, Role::kNumber);
    now(sum, Role::kNumber);
    const std::string head = label();
    const unsigned rounds = 1 + pick(12);
    unsigned limit = (counter + 2) % 6;
    const bool by_register = chance(30);
    if (by_register) {
      number_of(limit);
      put("and r{}, {}", limit, chance(50) ? 7 : 15);
    }
    text_ += head + ":\n";
    switch (pick(4)) {
      case 0: {
        unsigned pointer = (counter + 3) % 6;
        put("mov r{}, r7", pointer);
        put("add r{}, r{}", pointer, counter);
        if (chance(70)) {
          unsigned end = (counter + 4) % 6;
          put("mov r{}, r{}", end, pointer);
          put("add r{}, 1", end);
          put("jgt r{}, r8, out", end);
          now(end, Role::kPacket);
        }
        put("ldxb r{}, [r{}+0]", pointer, pointer);
        put("add r{}, r{}", sum, pointer);
        now(pointer, Role::kNumber);
        break;
      }
      case 1: {
        unsigned pointer = (counter + 3) % 6;
        put("mov r{}, r9", pointer);
        put("add r{}, r{}", pointer, counter);
        put("ldxb r{}, [r{}+{}]", pointer, pointer, pick(8));
        put("add r{}, r{}", sum, pointer);
        now(pointer, Role::kNumber);
        break;
      }
      case 2: put("{} r{}, r{}", one(kOps), sum, counter); break;
      default: put("stxdw [r10-8], r{}", counter); break;
    }
    if (chance(15)) put("jeq r{}, {}, out", sum, one(kNumbers));
    put("add r{}, {}", counter, chance(90) ? 1 : 2);
    static constexpr std::string_view kBack[] = {"jlt", "jlt", "jne", "jle", "jslt", "jlt32"};
    if (by_register) {
      put("{} r{}, r{}, {}", one(kBack), counter, limit, head);
      now(limit, Role::kNumber);
    } else {
      put("{} r{}, {}, {}", one(kBack), counter, rounds, head);
    }
  }

  std::mt19937_64 random_;
  std::string text_;
  std::vector<std::string> functions_;
  std::array<Role, 10> roles_{};
  unsigned labels_ = 0;
  unsigned checked_ = 14;  // bytes of packet proven at the start
};

}  // namespace

std::string generate(std::uint64_t seed) { return Generator(seed).run(); }

}  // namespace sluice::fuzz
