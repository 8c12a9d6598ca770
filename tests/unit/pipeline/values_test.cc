#include "dataplane/pipeline/values.h"

#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/pipeline/value_text.h"
#include "tests/unit/pipeline/support.h"
#include "vm/elf.h"

namespace sluice::pipeline {
namespace {

using testing::HasSubstr;

class Values : public testing::Test {
 protected:
  void SetUp() override {
    auto object = vm::load_elf(std::string(SLUICE_PIPELINE_OBJECTS) + "/values.o");
    ASSERT_TRUE(object);
    btf_ = object->btf;
  }

  // The type of the variable called `name` in .data or .rodata.
  ValueType type(const std::string& name) const {
    for (const char* section : {".data", ".rodata", ".bss"}) {
      for (const auto& variable : btf_->variables(section)) {
        if (variable.name == name) return {.btf = btf_.get(), .type = variable.type, .size = variable.size};
      }
    }
    ADD_FAILURE() << "no variable " << name;
    return {};
  }

  // `text` as that type: the bytes as hex, or the message of the (one) mistake.
  std::string encode(const ValueType& type, const std::string& text) {
    config::Sources sources;
    Diagnostics diagnostics;
    const ValueReader reader{.ports = ports_, .sources = sources, .diagnostics = diagnostics};
    std::vector<std::byte> out(type.size, std::byte{0xee});
    const config::Value value = value_of(text, sources);
    const bool ok = reader.encode(value, type, "map m: value", out);
    EXPECT_EQ(ok, !diagnostics.has_errors());
    if (ok) {
      expect_round_trip(out, type);
      return format_hex(out);
    }
    EXPECT_EQ(diagnostics.all()[0].line, 5U) << text;
    return diagnostics.all()[0].message;
  }
  std::string encode(const std::string& name, const std::string& text) { return encode(type(name), text); }

  void expect_round_trip(const std::vector<std::byte>& bytes, const ValueType& type) {
    config::Sources sources;
    Diagnostics diagnostics;
    const ValueReader reader{.ports = ports_, .sources = sources, .diagnostics = diagnostics};
    std::vector<std::byte> again(type.size);
    const config::Value value = decode(bytes, type);
    EXPECT_TRUE(reader.encode(value, type, "again", again)) << to_text(value) << "\n" << diagnostics.render();
    EXPECT_EQ(format_hex(again), format_hex(bytes)) << to_text(value);
  }

  // The mistake in a `types:` override, or empty.
  std::string check(const std::string& name, const std::string& types) {
    config::Sources sources;
    Diagnostics diagnostics;
    const ValueReader reader{.ports = ports_, .sources = sources, .diagnostics = diagnostics};
    const config::Value override_of = value_of(types, sources);
    ValueType checked = type(name);
    checked.types = &override_of;
    reader.check_types(checked, "map m: types.value");
    return diagnostics.has_errors() ? diagnostics.all()[0].message : std::string();
  }
  std::string encode_as(const std::string& name, const std::string& types, const std::string& text) {
    config::Sources sources;
    const config::Value override_of = value_of(types, sources);
    ValueType overridden = type(name);
    overridden.types = &override_of;
    return encode(overridden, text);
  }

  PortNumbers ports_ = {{"lan0", 20}, {"wan0", 10}};
  std::shared_ptr<const vm::Btf> btf_;
};

TEST_F(Values, IntegersAreStoredInHostOrder) {
  EXPECT_EQ(encode("v_u8", "255"), "ff");
  EXPECT_EQ(encode("v_u16", "0x1234"), "3412");
  EXPECT_EQ(encode("v_u32", "4294967295"), "ffffffff");
  EXPECT_EQ(encode("v_u64", "18446744073709551615"), "ffffffffffffffff");
  EXPECT_EQ(encode("v_s8", "-128"), "80");
  EXPECT_EQ(encode("v_s16", "-2"), "feff");
  EXPECT_EQ(encode("v_s32", "-1"), "ffffffff");
  EXPECT_EQ(encode("v_s64", "-9223372036854775808"), "0000000000000080");
  EXPECT_EQ(encode("v_const", "7"), "0700");
}

TEST_F(Values, IntegersOutOfRangeSayTheRange) {
  EXPECT_EQ(encode("v_u8", "256"), "map m: value 256 does not fit u8 (0..255)");
  EXPECT_EQ(encode("v_u8", "-1"), "map m: value -1 does not fit u8 (0..255)");
  EXPECT_EQ(encode("v_s8", "128"), "map m: value 128 does not fit s8 (-128..127)");
  EXPECT_EQ(encode("v_s8", "-129"), "map m: value -129 does not fit s8 (-128..127)");
  EXPECT_EQ(encode("v_s64", "9223372036854775808"),
            "map m: value 9223372036854775808 does not fit s64 (-9223372036854775808..9223372036854775807)");
  EXPECT_EQ(encode("v_be16", "70000"), "map m: value 70000 does not fit be16 (0..65535)");
}

TEST_F(Values, WhatIsNoNumberIsRefused) {
  EXPECT_THAT(encode("v_u16", "fast"), HasSubstr("expected u16 (0..65535), not 'fast'"));
  EXPECT_THAT(encode("v_u16", "'443'"), HasSubstr("numbers stand without quotes"));
  EXPECT_THAT(encode("v_u16", "[1]"), HasSubstr("not a list"));
  EXPECT_THAT(encode("v_u16", "{a: 1}"), HasSubstr("not a mapping"));
  EXPECT_THAT(encode("v_u32", "10.0.0.1"), HasSubstr("say `ipv4` under `types:`"));
}

TEST_F(Values, BooleansAreTrueOrFalse) {
  EXPECT_EQ(encode("v_bool", "true"), "01");
  EXPECT_EQ(encode("v_bool", "false"), "00");
  EXPECT_EQ(encode("v_bool", "1"), "01");
  EXPECT_EQ(encode("v_bool", "2"), "map m: value: expected true or false, not '2'");
}

TEST_F(Values, BigEndianTypesHoldTheNumberInNetworkOrder) {
  EXPECT_EQ(encode("v_be16", "443"), "01bb");
  EXPECT_EQ(encode("v_be32", "1"), "00000001");
  EXPECT_EQ(encode("v_be64", "1"), "0000000000000001");
  EXPECT_EQ(encode("v_be32", "192.0.2.1"), "c0000201");
}

TEST_F(Values, FourByteIntegersTakePortNames) {
  EXPECT_EQ(encode("v_u32", "lan0"), "14000000");
  EXPECT_THAT(encode("v_u32", "lan1"), HasSubstr("did you mean 'lan0'?"));
}

TEST_F(Values, EnumsTakeNamesAndNumbers) {
  EXPECT_EQ(encode("v_enum", "GREEN"), "07000000");
  EXPECT_EQ(encode("v_enum", "BLUE"), "ffffffff");
  EXPECT_EQ(encode("v_enum", "3"), "03000000");
  EXPECT_EQ(encode("v_u8", "GREEN"), "07");
  EXPECT_EQ(encode("v_enum", "GREN"), "map m: value: 'GREN' is no enumerator of enum colour; did you mean 'GREEN'?");
  EXPECT_THAT(encode("v_enum", "99999999999"), HasSubstr("does not fit enum colour"));
}

TEST_F(Values, ByteArraysAreWrittenAsAddressesOrText) {
  EXPECT_EQ(encode("v_mac", "\"02:00:00:aa:00:01\""), "020000aa0001");
  EXPECT_EQ(encode("v_quad", "192.0.2.1"), "c0000201");
  EXPECT_EQ(encode("v_ipv6", "\"2001:db8::1\""), "20010db8000000000000000000000001");
  EXPECT_EQ(encode("v_words", "\"2001:db8::1\""), "20010db8000000000000000000000001");
  EXPECT_EQ(encode("v_in6", "\"::1\""), "00000000000000000000000000000001");
  EXPECT_EQ(encode("v_text", "abc"), "6162630000000000");
  EXPECT_THAT(encode("v_text", "much too long"), HasSubstr("13 characters, at most 8 fit"));
  EXPECT_EQ(encode("v_mac", "02"), "map m: value: expected a MAC address, not '02'");
  EXPECT_EQ(encode("v_in6", "1.2.3.4"), "map m: value: expected an IPv6 address, not '1.2.3.4'");
  EXPECT_EQ(encode("v_words", "x"), "map m: value: expected an IPv6 address, not 'x'");
  EXPECT_THAT(encode("v_quad", "7"), HasSubstr("expected a list of 4"));
}

TEST_F(Values, ArraysAreListsAndTheRestIsZero) {
  EXPECT_EQ(encode("v_list", "[1, lan0]"), "010000001400000000000000");
  EXPECT_EQ(encode("v_list", "[1, 2, 3, 4]"), "map m: value: 4 elements, at most 3 fit");
  EXPECT_EQ(encode("v_list", "[1, x]"), "map m: value[1]: expected u32 (0..4294967295) or a port name, not 'x'");
  EXPECT_EQ(encode("v_mac", "[1, 2]"), "010200000000");
}

TEST_F(Values, BitFieldsShareTheirWord) {
  EXPECT_EQ(encode("v_bits", "{low: 15, flag: true, minus: -1, rest: 0x123456}"), "ff563412");
  EXPECT_EQ(encode("v_bits", "{flag: false, minus: -4}"), "80000000");
  EXPECT_EQ(encode("v_bits", "{low: 16}"), "map m: value.low 16 does not fit 4 bits (0..15)");
  EXPECT_EQ(encode("v_bits", "{minus: -5}"), "map m: value.minus -5 does not fit 3 bits (-4..3)");
}

TEST_F(Values, StructsAreWrittenByFieldsAndMissingOnesAreZero) {
  const std::string hex = encode("v_sample", "{mac: '02:00:00:aa:00:01', addr: 10.0.0.1, colour: GREEN, name: ab}");
  EXPECT_EQ(hex,
            "020000aa00010000"
            "0a000001" +
                std::string(32, '0') + "07000000" + std::string(52, '0') +
                "6162000000000000"
                "0000");
}

TEST_F(Values, NestedStructsArraysAndUnionsWork) {
  const std::string plain =
      encode("v_sample", "{inner: {port: 258, list: [1, 2, 3]}, inners: [{port: 1}, {list: [9]}]}");
  EXPECT_THAT(plain, HasSubstr("0102010203"));
  EXPECT_THAT(encode("v_sample", "{word: 0x01020304}"), HasSubstr("04030201"));
  EXPECT_THAT(encode("v_sample", "{bytes: [1, 2, 3, 4]}"), HasSubstr("01020304"));
  EXPECT_THAT(encode("v_sample", "{named: {half: 0x0102}}"), HasSubstr("0201"));
}

TEST_F(Values, MistakesInsideStructsNameTheirPath) {
  EXPECT_EQ(encode("v_sample", "{inner: {prt: 1}}"),
            "map m: value.inner: struct inner has no field 'prt'; did you mean 'port'?");
  EXPECT_EQ(encode("v_sample", "{inner: {zzzzzz: 1}}"),
            "map m: value.inner: struct inner has no field 'zzzzzz'; it has port, list");
  EXPECT_EQ(encode("v_sample", "{inners: [{port: 1}, {port: 70000}]}"),
            "map m: value.inners[1].port 70000 does not fit be16 (0..65535)");
  EXPECT_EQ(encode("v_sample", "{word: 1, bytes: [1]}"),
            "map m: value: 'word' and 'bytes' share their bytes: give one of them");
  EXPECT_EQ(encode("v_sample", "7"), "map m: value: expected the fields of struct sample, not '7'");
  EXPECT_EQ(encode("v_sample", "{named: {halv: 1}}"),
            "map m: value.named: the union has no field 'halv'; did you mean 'half'?");
}

TEST_F(Values, RawBytesFitEverythingOfTheirSize) {
  EXPECT_EQ(encode("v_u32", "{hex: '0a 00 00 01'}"), "0a000001");
  EXPECT_EQ(encode("v_in6", "{hex: 20010db8000000000000000000000001}"), "20010db8000000000000000000000001");
  EXPECT_EQ(encode("v_u32", "{hex: '0a00'}"), "map m: value: 2 bytes of hex, expected 4");
  EXPECT_EQ(encode("v_u32", "{hex: 'zz'}"), "map m: value: expected 4 bytes as hex digits, not 'zz'");
  EXPECT_EQ(encode("v_pointer", "{hex: '0000000000000000'}"), "0000000000000000");
  EXPECT_EQ(encode("v_double", "1.5"), "map m: value: expected {hex: ...} of 8 bytes, not '1.5'");
}

TEST_F(Values, OverridesSayWhatBtfCannotKnow) {
  EXPECT_EQ(encode_as("v_u16", "be16", "443"), "01bb");
  EXPECT_EQ(encode_as("v_u32", "ipv4", "10.0.0.1"), "0a000001");
  EXPECT_EQ(encode_as("v_u32", "ifindex", "wan0"), "0a000000");
  EXPECT_EQ(encode_as("v_u32", "s32", "-1"), "ffffffff");
  EXPECT_EQ(encode_as("v_u32", "hex", "'01020304'"), "01020304");
  EXPECT_EQ(encode_as("v_list", "be32", "[1, 2]"), "000000010000000200000000");
  EXPECT_THAT(encode_as("v_sample", "{inner: {port: u16}, word: ipv4}", "{inner: {port: 1}, word: 1.2.3.4}"),
              HasSubstr("01020304"));
  EXPECT_EQ(encode_as("v_u32", "ipv4", "10"), "map m: value: expected an IPv4 address, not '10'");
  EXPECT_EQ(encode_as("v_u32", "hex", "[1]"), "map m: value: expected 4 bytes as hex digits, not a list");
}

TEST_F(Values, OverridesThatDoNotFitAreMistakes) {
  EXPECT_EQ(check("v_u16", "be16"), "");
  EXPECT_EQ(check("v_list", "be32"), "");
  EXPECT_EQ(check("v_u16", "be32"), "map m: types.value: be32 takes 4 bytes, but there are 2");
  EXPECT_EQ(check("v_u16", "bee16"), "map m: types.value: unknown type 'bee16'; did you mean 'be16'?");
  EXPECT_THAT(check("v_u16", "zzzzzz"), HasSubstr("expected u8..u64"));
  EXPECT_EQ(check("v_u16", "{a: u8}"), "map m: types.value: has no fields: expected one type name");
  EXPECT_EQ(check("v_u16", "[u8]"), "map m: types.value: expected the name of a type");
  EXPECT_EQ(check("v_sample", "{inner: {prt: u16}}"),
            "map m: types.value.inner: there is no field 'prt'; did you mean 'port'?");
  EXPECT_EQ(check("v_sample", "{inners: {port: be16}}"), "");
  EXPECT_EQ(check("v_bits", "{low: u8}"), "map m: types.value.low: a bit field takes no type");
}

TEST_F(Values, WithoutBtfOnlyScalarsOfTheRightSizeWork) {
  EXPECT_EQ(encode(ValueType{.size = 1}, "255"), "ff");
  EXPECT_EQ(encode(ValueType{.size = 2}, "443"), "bb01");
  EXPECT_EQ(encode(ValueType{.size = 2}, "-1"), "ffff");
  EXPECT_EQ(encode(ValueType{.size = 4}, "10.0.0.1"), "0a000001");
  EXPECT_EQ(encode(ValueType{.size = 4}, "lan0"), "14000000");
  EXPECT_EQ(encode(ValueType{.size = 6}, "'02:00:00:00:00:01'"), "020000000001");
  EXPECT_EQ(encode(ValueType{.size = 16}, "'::1'"), "00000000000000000000000000000001");
  EXPECT_EQ(encode(ValueType{.size = 3}, "{hex: 010203}"), "010203");
  EXPECT_EQ(encode(ValueType{.size = 3}, "1"),
            "map m: value: expected {hex: ...} of 3 bytes, as the object has no type for it, not '1'");
  EXPECT_EQ(encode(ValueType{.size = 8}, "{a: 1}"),
            "map m: value: expected {hex: ...} of 8 bytes, as the object has no type for it, not a mapping");
}

TEST_F(Values, PrefixesBecomeLpmKeys) {
  EXPECT_EQ(encode(ValueType{.size = 8, .prefix = true}, "10.0.0.0/8"), "080000000a000000");
  EXPECT_EQ(encode(ValueType{.size = 8, .prefix = true}, "10.0.0.1"), "200000000a000001");
  EXPECT_EQ(encode(ValueType{.size = 20, .prefix = true}, "'2001:db8::/32'"),
            "2000000020010db8000000000000000000000000");
  EXPECT_EQ(encode(ValueType{.size = 10, .prefix = true}, "'02:00:00:00:00:00/24'"), "18000000020000000000");
  EXPECT_EQ(encode(ValueType{.size = 8, .prefix = true}, "10.0.0.1/8"),
            "map m: value 10.0.0.1/8: has bits behind its prefix; did you mean '10.0.0.0/8'?");
  EXPECT_EQ(encode(ValueType{.size = 8, .prefix = true}, "10.0.0.0/33"),
            "map m: value 10.0.0.0/33: prefix length 33 is out of range 0..32");
  EXPECT_EQ(encode(ValueType{.size = 8, .prefix = true}, "ten/8"),
            "map m: value: expected an IPv4 prefix (10.0.0.0/8), not 'ten/8'");
  EXPECT_THAT(encode(ValueType{.size = 9, .prefix = true}, "10/8"), HasSubstr("by its fields"));
}

TEST_F(Values, AreShownAsPeopleWriteThem) {
  const auto shown = [&](const ValueType& type, const std::string& hex) {
    return to_text(decode(*parse_hex(hex), type));
  };
  EXPECT_EQ(shown(type("v_s16"), "feff"), "-2");
  EXPECT_EQ(shown(type("v_enum"), "07000000"), "GREEN");
  EXPECT_EQ(shown(type("v_mac"), "020000aa0001"), "\"02:00:00:aa:00:01\"");
  EXPECT_EQ(shown(type("v_list"), "010000000200000003000000"), "[1, 2, 3]");
  EXPECT_EQ(shown(type("v_bits"), "ff563412"), "{low: 15, flag: 1, minus: -1, rest: 1193046}");
  EXPECT_EQ(shown(type("v_text"), "6162000000000000"), "\"ab\"");
  EXPECT_EQ(shown(type("v_pointer"), "0100000000000000"), "{hex: \"0100000000000000\"}");
  EXPECT_EQ(shown(type("v_bool"), "02"), "{hex: \"02\"}");
  EXPECT_EQ(shown({.size = 3}, "010203"), "{hex: \"010203\"}");
  EXPECT_EQ(shown({.size = 8, .prefix = true}, "080000000a000000"), "10.0.0.0/8");
  EXPECT_EQ(shown({.size = 10, .prefix = true}, "18000000020000000000"), "\"02:00:00:00:00:00/24\"");
  EXPECT_EQ(shown({.size = 8, .prefix = true}, "080000000a000001"), "72057636987600904");  // bits behind the prefix
  EXPECT_EQ(shown({.size = 8, .prefix = true}, "210000000a000000"), "42949672993");
  EXPECT_EQ(to_text({}), "null");
}

}  // namespace
}  // namespace sluice::pipeline
