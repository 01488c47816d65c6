# Sourced by the scripts beside it: a simulated line in real time with its page, in a folder of its own. Not a command of its own.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
say() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2; }
cannot() { say "SKIPPED: $*"; exit 77; }

# programs [STATION PLANT] says which are tried; without any they are built.
programs() {
  if [ $# -eq 0 ]; then
    cargo build --release -p edge-runtime -p edge-plant >&2
    local target=${CARGO_TARGET_DIR:-$root/target}
    set -- "$target/release/edge-runtime" "$target/release/edge-plant"
  fi
  [ $# -eq 2 ] || { say "usage: $0 [STATION PLANT]"; exit 2; }
  station=$(realpath "$1") plant=$(realpath "$2")
}

# Two that are free, and not the same: both are held until both are known.
free_ports() {
  python3 -c 'import socket
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(one.getsockname()[1] for one in held))'
}

# first PROCESS puts the gate's thread before all others, as board.realtime does on a board.
first() {
  local thread
  for thread in "/proc/$1/task"/*; do
    [ "$(cat "$thread/comm")" != gate ] || chrt --fifo --pid 50 "$(basename "$thread")" 2>/dev/null ||
      say "the gate's thread gets no priority of its own here: its times are those of a program among others"
  done
}

# line KEY=VALUE... starts both, with keys of sim.toml exchanged, and waits until ten parts have left. Sets work, page and modbus.
line() {
  work=$(mktemp -d)
  read -r page modbus < <(free_ports)
  trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$work"' EXIT
  local exchange=(-e "s|\.\./\.\./models|$root/models|" -e "s|\.\./\.\./target/audit|$work/audit|") pair parts=0
  for pair in parts=1000000 "$@"; do exchange+=(-e "s/^${pair%%=*} = .*/${pair%%=*} = ${pair#*=}/"); done
  {
    sed "${exchange[@]}" edge-runtime/config/sim.toml
    printf '\n[plant]\nsocket = "%s/plant.sock"\n\n[alarms]\nconsecutive_rejects = 0\nconsecutive_unjudged = 0\n' "$work"
  } >"$work/station.toml"
  printf '[station]\nsocket = "%s/plant.sock"\n[web]\nlisten = "127.0.0.1:%s"\n[modbus]\nlisten = "127.0.0.1:%s"\n[roles]\nfolder = "%s/roles"\n' \
    "$work" "$page" "$modbus" "$work" >"$work/plant.toml"
  # As edge-plant.service has it.
  nice -n 10 "$plant" serve --config "$work/plant.toml" >"$work/plant.log" 2>&1 &
  "$station" run --config "$work/station.toml" --real-time >"$work/station.log" 2>&1 &
  local process=$!
  for _ in $(seq 300); do
    curl --silent --fail "http://127.0.0.1:$page/metrics" >"$work/metrics" || true
    parts=$(sed -n 's/^draem_parts_total //p' "$work/metrics")
    [ "${parts:-0}" -lt 10 ] || { first "$process"; return 0; }
    sleep 0.3
  done
  say "no line came to run"
  tail "$work"/*.log >&2
  return 1
}
