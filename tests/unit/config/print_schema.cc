// Prints the JSON Schema of the pipeline file: what schema_test.py checks.
#include <cstdio>

#include "dataplane/config/config.h"

int main() { std::fputs(sluice::config::json_schema().c_str(), stdout); }
