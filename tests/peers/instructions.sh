#!/usr/bin/env bash
# Runs an aarch64 program emulated and prints how many instructions it has executed, and nothing else, to standard output:
#     tests/peers/instructions.sh target/aarch64-unknown-linux-gnu/release/edge-runtime bench ...
#     tests/peers/instructions.sh --in 12edge_kernels4conv PROGRAM ...     only those in functions with that in their symbol
# What the program prints goes to standard error; its status is passed on. QEMU_CPU says on which processor, as qemu-aarch64 -cpu
# help lists them. Needs what scripts/aarch64.sh sets up; ends with 77 and the reason where that cannot be.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
in=
if [ "${1-}" = --in ]; then
  in=",in=$2"
  shift 2
fi
[ $# -gt 0 ] || { echo "usage: $0 [--in SYMBOL] PROGRAM [ARGUMENT...]" >&2; exit 2; }

exports=$("$root/scripts/aarch64.sh") || exit
eval "$exports"
qemu-aarch64 --help | grep -q -- -plugin || { echo "this qemu was built without plugins" >&2; exit 77; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
major=$(qemu-aarch64 --version | sed -n '1s/.*version \([0-9]*\).*/\1/p')
"${CC:-cc}" -O2 -shared -fPIC -DPLUGIN_VERSION="$([ "$major" -lt 9 ] && echo 1 || echo 2)" -o "$work/count.so" \
  "$root/tests/peers/instructions.c"

# Symbols are read only if something is logged.
status=0
$CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER -d plugin -D "$work/log" \
  -plugin "$work/count.so,out=$work/executed$in" "$@" >&2 || status=$?
[ -s "$work/executed" ] || { echo "no number came back" >&2; exit 1; }
[ -z "$in" ] || [ "$(cat "$work/executed")" != 0 ] ||
  echo "NOTE: no such function ran; a stripped program has no symbols: build it with CARGO_PROFILE_RELEASE_STRIP=none" >&2
cat "$work/executed"
exit "$status"
