#!/usr/bin/env bash
# pymodbus takes the results of PARTS (1,000) parts of a simulated line one by one, by the handshake, and compares them with the station's records:
#     tests/plant/modbus.sh [STATION PLANT]
# Without programs it builds them. pymodbus comes from PyPI into .deps/pymodbus. Ends with 77 and the reason where it cannot be had.
set -euo pipefail

source "$(dirname "${BASH_SOURCE[0]}")/line.sh"
source tests/python.sh
parts=${PARTS:-1000}
programs "$@"
python_with pymodbus "pymodbus==3.11.4"

# Nine parts a second instead of three.
line speed_mm_s=900.0 gate_rise_ms=5.0 gate_distance_mm=800.0 stops_per_minute=0.0 mean_ms=20.0 jitter_ms=5.0
say "$parts parts"
"$python" tests/plant/walk.py "$modbus" "$parts" >"$work/results.json"
# The newest results may be on their way to the disk.
sleep 2
"$station" records --dir "$work/audit" --since 1d --json - >"$work/records.json"
"$python" tests/plant/compare.py "$work/results.json" "$work/records.json"
