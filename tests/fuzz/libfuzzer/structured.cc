// libFuzzer target, see oracle.h.
#include "tests/fuzz/libfuzzer/oracle.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sluice::fuzz::fuzz_structured({data, size});
  return 0;
}
