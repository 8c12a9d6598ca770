#pragma once
// What the CPU has beyond the x86-64 baseline, asked once a compilation. Tests switch features off to run the other
// forms. Any thread.
namespace sluice::jit::x86_64 {

struct Features {
  bool bmi2 = false;   // shlx, shrx, sarx: shifts by any register; mulx
  bool movbe = false;  // loads that swap bytes
};

Features detect_features();

}  // namespace sluice::jit::x86_64
