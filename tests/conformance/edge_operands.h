#pragma once
// The operands that generated cases (generated.h) are made of: where signs, widths, carries and masks change.
#include <cstdint>

namespace sluice::testing_support {

// 64-bit operands of arithmetic, comparisons, stores and atomics.
constexpr std::uint64_t kEdges64[] = {
    0,
    1,
    2,
    3,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0x8000,
    0xffff,
    0x7fff'ffff,
    0x8000'0000,
    0x8000'0001,
    0xffff'fffe,
    0xffff'ffff,
    0x1'0000'0000,
    0x1'0000'0001,
    0x7fff'ffff'ffff'ffff,
    0x8000'0000'0000'0000,
    0x8000'0000'0000'0001,
    0xffff'ffff'0000'0000,
    0xffff'ffff'7fff'ffff,
    0xffff'ffff'8000'0000,
    0xffff'ffff'ffff'fffe,
    0xffff'ffff'ffff'ffff,
    0x5555'5555'5555'5555,
    0xaaaa'aaaa'aaaa'aaaa,
    0x0123'4567'89ab'cdef,
};

// Second operands of shifts beside those: what lies around each width, and counts of which only the low bits count.
constexpr std::uint64_t kShiftCounts[] = {7,  8,  15, 16,  31,  32,  33,         62,
                                          63, 64, 65, 127, 128, 256, 0x1000003f, 0xffff'ffff'ffff'ff20};

// Immediates: 32 bits, sign-extended where the instruction is a 64-bit one.
constexpr std::int32_t kEdgeImmediates[] = {
    0,           1,           2,          3,           7,          0x7f,       0x80,
    0xff,        0x7fff,      0x8000,     0xffff,      0x7ffffffe, 0x7fffffff, -0x7fffffff - 1,
    -0x7fffffff, -1,          -2,         -3,          -7,         -128,       -129,
    -256,        -0x7fff - 1, 0x55555555, -0x55555556, 0x12345678,
};

// Immediate counts of shifts: those of the width and one, and beyond.
constexpr std::int32_t kImmediateCounts[] = {0, 1, 2, 7, 8, 15, 16, 30, 31, 32, 33, 47, 62, 63, 64, 65, 255, -1};

// Offset fields of loads, stores and atomics: both signs of each size of displacement that machine code knows.
constexpr std::int16_t kEdgeOffsets[] = {0, 1, -1, 7, -8, 127, -127, 128, -128, -129, 0x7fff, -0x7fff - 1};

// Memory that loads read: bytes with and without the sign of every width.
constexpr std::uint64_t kLoadPatterns[] = {0x8182'8384'8586'8788, 0x0102'0304'0506'0708, 0x7fff'7f80'80ff'0080};

}  // namespace sluice::testing_support
