#!/usr/bin/env bash
# Sets up everything and runs every check. With the names of checks as arguments, runs those alone: scripts/test.sh fmt test
# A check that cannot run on this machine says why, loudly, and counts as skipped.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
libclang

checks=(fmt torch_free no_std clippy docs manual deny test mqtt aarch64 board)
deny_version=0.20.2
# What .deps and target come to in a first run, and a little more, in GB.
room=11
passed=0 failed=0 skipped=0

# One set of features for everything, so that the heavy dependencies are built once.
features=host-trainer/torch,edge-runtime/camera

# Exit status of a check that cannot run here.
cannot_run=77

fmt() { cargo fmt --all --check && cargo fmt --manifest-path fuzz/Cargo.toml --check; }

# A plain `cargo test` must work without libtorch and without libclang.
torch_free() {
  local tree
  tree=$(cargo tree --edges normal,build,dev --prefix none) || return 1
  if grep -E '^(tch|torch-sys|v4l2-sys-mit) ' <<<"$tree"; then
    echo "the default members depend on torch or on libclang"
    return 1
  fi
}

no_std() {
  local target=thumbv7em-none-eabi
  if [ -d "$(rustc --print sysroot)/lib/rustlib/$target" ]; then
    cargo build -p shared --target "$target"
  else
    echo "NOTE: the standard library for $target is not installed; building shared for this machine as no_std instead"
    grep -qx '#!\[no_std\]' shared/src/lib.rs && cargo build -p shared
  fi
}

clippy() {
  cargo clippy --workspace --all-targets --features "$features" -- -D warnings &&
    cargo clippy --workspace --exclude edge-video --all-targets -- -D warnings
}

docs() {
  RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --features "$features"
}

# The manual as a book. That its generated pages say what the code says is among the tests.
manual() { scripts/manual.sh; }

deny() {
  local program=cargo-deny
  if ! command -v cargo-deny >/dev/null; then
    program=.deps/cargo-deny/bin/cargo-deny
    [ -x "$program" ] ||
      cargo install cargo-deny --debug --version "$deny_version" --locked --root .deps/cargo-deny || return 1
  fi
  "$program" --all-features check licenses bans sources || return 1
  if ! "$program" --all-features fetch db >.deps/deny.log 2>&1; then
    echo "SKIPPED: the advisory database cannot be fetched from here; licences, bans and sources were checked"
    skipped=$((skipped + 1))
    return 0
  fi
  "$program" --all-features check advisories
}

test() { cargo test --workspace --features "$features"; }

# The kernels of another processor, emulated: plain NEON, with dot product, with 8-bit matrix multiplication. Each kernel that is
# to be tested must be among those that say they were.
aarch64() {
  local exports processor kernel said
  exports=$(scripts/aarch64.sh) || return
  for processor in cortex-a72=neon cortex-a76=neon-dot max=neon-i8mm; do
    kernel=${processor#*=} processor=${processor%=*}
    said=$(eval "$exports" && QEMU_CPU=$processor cargo test --quiet --target aarch64-unknown-linux-gnu -p edge-kernels -- --nocapture) ||
      { printf '%s\n' "$said"; return 1; }
    grep -E "^kernels: .*\b$kernel( |\$)" <<<"$said" || { echo "$kernel was not tested on $processor"; return 1; }
  done
}

# The program for boards on a whole emulated board: a belt, a camera, lines and a display behind the kernel's own drivers.
board() {
  local program
  program=$(scripts/cross.sh) || return
  tests/board/run.sh "$program" line
}

# What a real MQTT broker and its clients make of edge-plant, the broker killed DRAEM_BROKER_KILLS times (5).
mqtt() {
  local program
  for program in mosquitto mosquitto_sub mosquitto_pub; do
    PATH=$PATH:/usr/sbin command -v "$program" >/dev/null && continue
    echo "$program is missing. On Debian and Ubuntu: sudo apt-get install mosquitto mosquitto-clients"
    return "$cannot_run"
  done
  cargo test --workspace --features "$features" --test mqtt -- --ignored --nocapture --test-threads 1
}

# The same program as a package, installed and used in a small Debian of its architecture. Changes the machine while it runs, as its
# script says, and is asked for by name: scripts/test.sh package
package() {
  local file
  file=$(scripts/package.sh) || return
  tests/package/chroot.sh "$file"
}

# Chromium goes through every page on a simulated line, and axe looks at each. Builds for release, and asked for by name: scripts/test.sh page
page() { tests/page/run.sh; }

# What promtool makes of a live /metrics, of the rules and of the dashboard. Builds for release, and asked for by name: scripts/test.sh prometheus
prometheus() { tests/plant/prometheus.sh; }

# pymodbus takes the results of a thousand parts by the handshake. Builds for release, and asked for by name: scripts/test.sh modbus
modbus() { tests/plant/modbus.sh; }

# curl asks every address of a live page in every role. Builds for release, and asked for by name: scripts/test.sh routes
routes() { tests/plant/curl.sh; }

# Whether the gate notices twenty viewers and a gallery of ten thousand rejects. Needs a machine that does nothing else, builds for release, and is
# asked for by name: scripts/test.sh viewers
viewers() { tests/plant/viewers.sh; }

# The fuzzers compile, without running. A second build of every dependency, so that it is asked for by name: scripts/test.sh fuzz
fuzz() { cargo check --manifest-path fuzz/Cargo.toml --locked; }

# What a full disk breaks says everything but that.
left=$(df --output=avail -B1G . | tail -n 1 | tr -d ' ')
[ "$left" -ge "$room" ] || echo "NOTE: $left GB of disk are left; from a fresh clone all checks take $room GB"

[ $# -eq 0 ] || checks=("$@")
for check in "${checks[@]}"; do
  printf '\n== %s\n' "$check"
  started=$SECONDS
  "$check"
  status=$?
  case $status in
    0) passed=$((passed + 1)) word=passed ;;
    "$cannot_run") skipped=$((skipped + 1)) word=SKIPPED ;;
    *) failed=$((failed + 1)) word=FAILED ;;
  esac
  printf '== %s %s after %s s, %s of disk left\n' "$check" "$word" "$((SECONDS - started))" "$(df -h --output=avail . | tail -n 1 | tr -d ' ')"
done
printf '\n%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ]
