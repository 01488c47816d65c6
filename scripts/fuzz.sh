#!/usr/bin/env bash
# Fuzzes what reads bytes from outside, with libFuzzer and the address sanitizer:
#     scripts/fuzz.sh                    every target for a minute
#     scripts/fuzz.sh 600 frame model    these two for ten minutes each
# Says of each target how many inputs were run and what they covered. An input that breaks a promise is a file below fuzz/artifacts, and
# the exit status is 1. What is missing is put under .deps/; grown corpora stay in fuzz/corpus. Ends with 77 and the reason where this
# machine cannot run it. Safe to run again.
set -uo pipefail

fuzz_version=0.13.2
targets=(config bundle slots record recording plant frame model)

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
say() { printf 'fuzz: %s\n' "$*" >&2; }
cannot() { say "$*"; exit 77; }
cd "$root" || exit 1

seconds=60
case ${1-} in
  [1-9]*) seconds=$1; shift ;;
esac
[ $# -eq 0 ] || targets=("$@")

# The compiler is the one that builds the product, and may use what is not stable for this alone. Nothing changes the user's toolchains.
export RUSTC_BOOTSTRAP=1 RUSTUP_AUTO_INSTALL=0
# What is not fuzzed is not instrumented, since that takes long to compile: tract, and SQLite, which gets the compiler's flags in C.
export RUSTC_WRAPPER=$root/scripts/fuzz-guard/rustc CFLAGS="-fno-sanitize=address -O1${CFLAGS:+ $CFLAGS}"
command -v cargo >/dev/null || cannot "cargo is missing. Install Rust with rustup: https://rustup.rs"
command -v "${CXX:-c++}" >/dev/null || cannot "${CXX:-c++} is missing. On Debian and Ubuntu: sudo apt-get install g++"
host=$(rustc -vV | sed -n 's/^host: //p')
compgen -G "$(rustc --print sysroot)/lib/rustlib/$host/lib/librustc*_rt.asan.a" >/dev/null ||
  cannot "the compiler has no address sanitizer for $host"

tool=.deps/cargo-fuzz-$fuzz_version
[ -x "$tool/bin/cargo-fuzz" ] || cargo install cargo-fuzz --version "$fuzz_version" --locked --root "$tool" >&2 ||
  cannot "cargo-fuzz could not be installed"
export PATH=$root/$tool/bin:$PATH

# Longest input, seconds that one may take, megabytes at most, and folders with more to begin with.
limits() {
  more=()
  case $1 in
    config) max_len=8192 timeout=10 memory=1024 more=(edge-runtime/config) ;;
    bundle) max_len=16384 timeout=10 memory=1024 ;;
    slots) max_len=4096 timeout=10 memory=1024 ;;
    recording) max_len=8192 timeout=20 memory=2048 ;;
    plant) max_len=4096 timeout=10 memory=1024 ;;
    record) max_len=512 timeout=10 memory=1024 ;;
    frame) max_len=16384 timeout=10 memory=2048 ;;
    model) max_len=65536 timeout=60 memory=4096 ;;
    *) say "no target '$1'; there are: config bundle slots record recording plant frame model"; return 1 ;;
  esac
}

# Coverage of a line of libFuzzer's, in edges and in features.
covered() { sed -n "s/.*[[:space:]]$1[[:space:]]*cov: \([0-9]*\) ft: \([0-9]*\).*/\1 edges, \2 features/p" "$2" | tail -n 1; }

mkdir -p .deps/fuzz
status=0
for target in "${targets[@]}"; do
  limits "$target" || exit 2
  say "$target: building"
  nice -n 19 cargo fuzz build --fuzz-dir fuzz --no-cfg-fuzzing "$target" >&2 || exit 1
  log=.deps/fuzz/$target.log
  mkdir -p "fuzz/corpus/$target" "fuzz/seeds/$target"
  say "$target: $seconds s; its log is $log"
  nice -n 19 cargo fuzz run --fuzz-dir fuzz --no-cfg-fuzzing "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" "${more[@]}" -- \
    -max_total_time="$seconds" -max_len="$max_len" -timeout="$timeout" -rss_limit_mb="$memory" -print_final_stats=1 >"$log" 2>&1
  ended=$?
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  printf '%-9s %s inputs; at first %s; at the end %s\n' "$target" "${runs:-no count of}" "$(covered INITED "$log")" "$(covered DONE "$log")"
  if [ "$ended" -ne 0 ]; then
    status=1
    say "$target: a finding"
    grep -E 'panicked at|^==[0-9]+==|SUMMARY|Test unit written' "$log" >&2 || tail -n 20 "$log" >&2
  fi
done
exit "$status"
