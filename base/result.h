#pragma once
// A value or an error, spelled like C++23 std::expected (g++ 12 has that only with -std=c++23).
// Used on the load path for everything that can fail for reasons outside this program.
// Idiom: `if (!r) return std::move(r).error().in("load " + path);`
#include <cstdint>
#include <string>
#include <utility>
#include <variant>

#include "base/check.h"

namespace sluice {

// What kind of thing went wrong: it decides the exit code (docs/cli.md), the message tells the rest.
enum class ErrorCode : std::uint8_t {
  kUsage,        // exit 2
  kConfig,       // exit 3
  kProgram,      // exit 4: ELF, BTF, verifier
  kEnvironment,  // exit 5: files, permissions, machine
  kControl,      // exit 6
  kInternal,     // exit 7
};

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;  // lower case, no full stop, names the thing and what was expected

  // The same error with what was being done in front: "load a.o: not an ELF file".
  [[nodiscard]] Error in(const std::string& doing) && { return {code, doing + ": " + message}; }
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  // Precondition: has_value().
  T& value() & {
    SLUICE_CHECK(has_value());
    return std::get<0>(state_);
  }
  const T& value() const& {
    SLUICE_CHECK(has_value());
    return std::get<0>(state_);
  }
  T&& value() && {
    SLUICE_CHECK(has_value());
    return std::get<0>(std::move(state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  // Precondition: !has_value().
  const Error& error() const& {
    SLUICE_CHECK(!has_value());
    return std::get<1>(state_);
  }
  Error&& error() && {
    SLUICE_CHECK(!has_value());
    return std::get<1>(std::move(state_));
  }

 private:
  std::variant<T, Error> state_;
};

// Success carries nothing.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), ok_(false) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool has_value() const noexcept { return ok_; }
  explicit operator bool() const noexcept { return ok_; }
  const Error& error() const& {
    SLUICE_CHECK(!ok_);
    return error_;
  }
  Error&& error() && {
    SLUICE_CHECK(!ok_);
    return std::move(error_);
  }

 private:
  Error error_;
  bool ok_ = true;
};

}  // namespace sluice
