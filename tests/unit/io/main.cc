#include <gtest/gtest.h>

#include "tests/unit/io/support.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  testing::AddGlobalTestEnvironment(new sluice::io::EalEnvironment);
  return RUN_ALL_TESTS();
}
