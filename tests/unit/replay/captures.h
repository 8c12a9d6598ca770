#pragma once
// Captures built byte by byte.
#include <bit>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::replay {

class Bytes {
 public:
  explicit Bytes(bool swapped = false) : swapped_(swapped) {}
  Bytes& u32(std::uint32_t value) {
    if (swapped_) value = __builtin_bswap32(value);
    return raw(std::string(reinterpret_cast<const char*>(&value), 4));
  }
  Bytes& u16(std::uint16_t value) {
    if (swapped_) value = __builtin_bswap16(value);
    return raw(std::string(reinterpret_cast<const char*>(&value), 2));
  }
  Bytes& raw(const std::string& text) {
    text_ += text;
    return *this;
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
  bool swapped_;
};

inline Bytes pcap_header(std::uint32_t magic = 0xa1b2c3d4, bool swapped = false, std::uint32_t link = 1) {
  Bytes bytes(swapped);
  return bytes.u32(magic).u16(2).u16(4).u32(0).u32(0).u32(65535).u32(link);
}
inline std::string pcap_record(std::uint32_t seconds, std::uint32_t fraction, const std::string& frame,
                               std::uint32_t more = 0, bool swapped = false) {
  const auto size = static_cast<std::uint32_t>(frame.size());
  return Bytes(swapped).u32(seconds).u32(fraction).u32(size).u32(size + more).raw(frame).text();
}
inline std::string block(std::uint32_t type, const std::string& body, bool swapped = false) {
  const std::string padded = body + std::string((4 - body.size() % 4) % 4, '\0');
  const auto length = static_cast<std::uint32_t>(padded.size() + 12);
  return Bytes(swapped).u32(type).u32(length).raw(padded).u32(length).text();
}
inline std::string section(bool swapped = false) {
  return block(0x0a0d0d0a, Bytes(swapped).u32(0x1a2b3c4d).u16(1).u16(0).u32(0xffffffff).u32(0xffffffff).text(),
               swapped);
}
inline std::string interface(std::uint16_t link = 1, std::uint32_t snap = 0, const std::string& options = {},
                             bool swapped = false) {
  return block(1, Bytes(swapped).u16(link).u16(0).u32(snap).raw(options).text(), swapped);
}
inline std::string packet(std::uint32_t interface, std::uint64_t stamp, const std::string& frame,
                          bool swapped = false) {
  const auto size = static_cast<std::uint32_t>(frame.size());
  return block(6,
               Bytes(swapped)
                   .u32(interface)
                   .u32(static_cast<std::uint32_t>(stamp >> 32))
                   .u32(static_cast<std::uint32_t>(stamp))
                   .u32(size)
                   .u32(size)
                   .raw(frame)
                   .text(),
               swapped);
}

inline std::string temporary(const std::string& name) {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  return testing::TempDir() + test->test_suite_name() + "_" + test->name() + "_" + name;
}
inline std::string write_capture(const std::string& bytes, const std::string& name = "in.pcap") {
  const std::string path = temporary(name);
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}
inline std::string read_all(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace sluice::replay
