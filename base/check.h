#pragma once
// Checks of our own invariants, never of input. SLUICE_CHECK is for the load path and stays in every build;
// SLUICE_DCHECK is for the data path and vanishes when NDEBUG is defined. Any thread.
#include <cstdio>
#include <cstdlib>

namespace sluice {

[[noreturn]] inline void check_failed(const char* what, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: internal error: %s does not hold\n", file, line, what);
  std::abort();
}

}  // namespace sluice

#define SLUICE_CHECK(condition) ((condition) ? void() : ::sluice::check_failed(#condition, __FILE__, __LINE__))

#ifdef NDEBUG
#define SLUICE_DCHECK(condition) void(sizeof((condition) ? 1 : 0))
#else
#define SLUICE_DCHECK(condition) SLUICE_CHECK(condition)
#endif
