#!/usr/bin/env bash
# Runs the station on a whole board, emulated: an aarch64 machine with Debian's own kernel, whose uvcvideo, GPIO simulator and I2C
# drivers serve a USB camera, the lines of a belt and a display. Parts pass, and every part is judged by what the gate did to it.
#     tests/board/run.sh PROGRAM [SCENARIO...]     PROGRAM: the aarch64 build of edge-runtime. SCENARIO: line (if none is given), faults
#     tests/board/run.sh --stand-in PROGRAM        a cheat takes the station's place, PROGRAM only draws: tries the board itself
#     tests/board/run.sh --shell PROGRAM           a shell on the board instead of the belt
# What was seen lies in .deps/board/seen afterwards. Ends with 0, 1 (something was not as it must be) or 77 (this machine cannot).
# BOARD_HOME takes the place of .deps/board.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
export BOARD_HOME=${BOARD_HOME:-$root/.deps/board}
models=$root/models/demo
# Seconds for each scenario, many times what it takes on an idle machine.
give_up_after=1200
say() { printf 'board: %s\n' "$*" >&2; }

words=
case ${1-} in
  --shell) words=board.shell ;;
  --stand-in) words=board.stand-in ;;
esac
[ -z "$words" ] || shift
[ $# -ge 1 ] && [ -f "$1" ] || { echo "usage: $0 [--shell | --stand-in] PROGRAM [line] [faults]" >&2; exit 2; }
program=$1
shift
[ $# -gt 0 ] || set -- line
words="$words board.scenarios=$(IFS=, && echo "$*")"

"$here/setup.sh"
payload=$BOARD_HOME/payload seen=$BOARD_HOME/seen
emulated() { nice -n 5 qemu-aarch64 -cpu cortex-a76 -L /usr/aarch64-linux-gnu "$program" "$@"; }

# What the belt carries, judged once by the same program.
if [ ! -f "$payload/faults.plan" ] || [ -n "$(find "$program" "$models" "$here/plan.py" "$here/png.py" -newer "$payload/faults.plan")" ]; then
  say "drawing and judging pictures"
  rm -rf "$payload" "$BOARD_HOME/photos" && mkdir -p "$payload"
  emulated render --out "$BOARD_HOME/photos" --good 0 --test-good 30 --defects 28 --seed 3
  emulated inspect --bundle "$models/cap-nano.draem" --trust "$models/demo.pub" --images "$BOARD_HOME/photos/test" \
    --json "$BOARD_HOME/verdicts" >/dev/null
  python3 "$here/plan.py" "$BOARD_HOME/photos" "$BOARD_HOME/verdicts" "$payload"
fi
for scenario; do
  [ -f "$payload/$scenario.plan" ] || { say "there is no scenario $scenario"; exit 2; }
done
cp "$models/cap-nano.draem" "$models/demo.pub" "$here/station.toml" "$here/guest/job" "$payload/"
cp "$program" "$payload/edge-runtime"

# The kernel unpacks archives that follow one another.
(cd "$BOARD_HOME" && find payload -print0 | cpio --null -o -H newc -R 0:0 --quiet | cat base.cpio - >image.cpio)
rm -rf "$seen" && mkdir -p "$seen"
# The board's clock counts instructions, one to a nanosecond, and leaps to the next timer when there is nothing to do: a busy host makes
# the shift longer for whoever waits, and for nobody on the board. That takes a single processor. Beside a person the clock is the host's.
clock=(-icount "shift=0,sleep=off" -rtc "clock=vm")
[ "${words%% *}" != board.shell ] || clock=()
# shellcheck disable=SC2054
machine=(nice -n 5 qemu-system-aarch64 -M virt,gic-version=2 -accel tcg -cpu cortex-a76 -smp 1 -m 1024 "${clock[@]}"
  -nodefaults -no-user-config -display none -serial stdio -no-reboot -kernel "$BOARD_HOME/vmlinuz" -initrd "$BOARD_HOME/image.cpio"
  -append "console=ttyAMA0 quiet panic=-1 mitigations=off $words"
  -virtfs "local,path=$seen,mount_tag=share,security_model=none,multidevs=remap")
[ "${words%% *}" != board.shell ] || exec "${machine[@]}"
say "booting"
started=$SECONDS
timeout --foreground --kill-after 5 $((give_up_after * $#)) "${machine[@]}" </dev/null >"$seen/console" 2>&1 || true
say "$((SECONDS - started)) s on the board"
[ "$(cat "$seen/status" 2>/dev/null)" = 0 ] || { tail -n 30 "$seen/console" >&2; say "the board did not come to an end"; exit 1; }
python3 "$here/judge.py" "$seen"
