#!/usr/bin/env bash
# Whether the gate notices that people look: twenty watch the page of a simulated line and walk through a gallery of ten thousand rejects, in turns with
# nobody, and the gate's fire errors of both are held against each other: tests/plant/viewers.sh [STATION PLANT]
# Without programs it builds them. TURN (60) is the length of a turn in seconds, of which there are four. Times are only worth something on a machine
# that does nothing else.
set -euo pipefail

source "$(dirname "${BASH_SOURCE[0]}")/line.sh"
programs "$@"
# Nine parts a second, every second one of which is pushed off the belt.
line speed_mm_s=900.0 gate_rise_ms=5.0 gate_distance_mm=800.0 stops_per_minute=0.0 mean_ms=20.0 jitter_ms=5.0 defect_rate=0.5
# Who looks has a machine of their own; here they get what is left of this one.
nice -n 19 python3 tests/plant/viewers.py "http://127.0.0.1:$page" "$work/audit/records.db" "$(pgrep -f "^$plant serve --config $work/")" "${TURN:-60}"
