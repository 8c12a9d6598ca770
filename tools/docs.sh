#!/usr/bin/env bash
# Writes the generated pages of docs/ from the tables the program itself uses.
#     tools/docs.sh BUILD_DIR [DOCS_DIR]
set -euo pipefail
sluice=$1/dataplane/cli/sluice
docs=${2:-docs}
"$sluice" schema > "$docs/schema.json"
for page in config helpers drops errors; do "$sluice" schema --page "$page" > "$docs/$page.md"; done
