#!/usr/bin/env bash
# On a machine with a GPU: proves that the networks give the same numbers there, then measures time and memory.
#
#     bash bench/gpu.sh [SECONDS [FILE]]     # 600 and bench/results/gpu.json when not given
#
# The most telling rows come first, and the file is written anew after each: whatever cuts the run off, what
# was measured is there. Weights are random; nothing is downloaded.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
export PYTHONPATH="$root/src:$root${PYTHONPATH:+:$PYTHONPATH}" HF_HUB_OFFLINE=1 PYTHONUNBUFFERED=1
exec "${PYTHON:-python3}" "$root/bench/gpu.py" --seconds "${1:-600}" --output "${2:-$root/bench/results/gpu.json}" "${@:3}"
