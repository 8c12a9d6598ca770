#!/usr/bin/env bash
# The main job on a real capture: checks the edge router, replays 2,400 frames through it, shows where they went.
#     tools/demo.sh BUILD_DIR
set -euo pipefail
sluice=$1/dataplane/cli/sluice
export SLUICE_OBJECTS="$PWD/$1/programs"
say() { printf '\n$ sluice %s\n' "$*"; "$sluice" "$@"; }
say check configs/edge-router.yaml
say graph configs/edge-router.yaml
say replay configs/edge-router.yaml -i lan0=pcaps/imix.pcap -i wan0=pcaps/edge.pcap -o out/
printf '\nwritten, ready for Wireshark:\n'
ls -l out/
