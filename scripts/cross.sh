#!/usr/bin/env bash
# Builds the station for a board without a container engine, in release, and checks what came out:
#     scripts/cross.sh             for aarch64: Raspberry Pi OS, JetPack 5 and later
#     scripts/cross.sh --amd64     for an x86-64 industrial PC
#     scripts/cross.sh --check     checks what was built before; ends with 77 where nothing was
#     scripts/cross.sh --manual    also writes man pages and shell completions to the folder `manual` beside the program
# The program needs no C library newer than glibc 2.31 (JetPack 5, Debian 11) and no other library, whatever this machine has: zig
# compiles the C parts and links against stubs of that version. What is missing is put under .deps/ (180 MB to download, 520 MB
# kept), and for aarch64 what scripts/aarch64.sh brings.
# Only the program's path goes to standard output. Ends with 77 and the reason where this machine cannot be set up. Safe to run again.
set -euo pipefail

# The newest C library that the program may need, as in Cross.toml's Dockerfile and in the package's dependencies.
glibc=2.31
zig_version=0.17.1 zigbuild_version=0.24.1 libclang_version=18.1.1

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
say() { printf 'cross: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
cannot() { say "$*"; exit 77; }
cd "$root"

machine=aarch64 only_check= manual=
for argument in "$@"; do
  case $argument in
    --amd64) machine=x86_64 ;;
    --check) only_check=yes ;;
    --manual) manual=yes ;;
    *) die "unknown option '$argument'; usage: scripts/cross.sh [--amd64] [--check | --manual]" ;;
  esac
done
[ -z "$only_check" ] || [ -z "$manual" ] || die "--check builds nothing, and --manual must"
target=$machine-unknown-linux-gnu
program=${CARGO_TARGET_DIR:-$root/target}/$target/release/edge-runtime
tools=$root/.deps/zig-$zig_version

[ "$(uname -s)" = Linux ] || cannot "only Linux is supported, this is $(uname -s)"
case $root in *[[:space:]]*) cannot "cargo takes no flags with blanks, and this folder's path has some: $root" ;; esac

# Neither cargo nor a tool that calls rustup may change the user's toolchains.
export RUSTUP_AUTO_INSTALL=0

# zig, the cargo command that links with it, and the library that reads C headers for v4l: wheels, so that no root is needed.
install_tools() {
  [ ! -d "$tools" ] || return 0
  python3 -m pip --version >/dev/null 2>&1 || cannot "python3 with pip is missing. On Debian and Ubuntu: sudo apt-get install python3-pip"
  say "fetching zig $zig_version, cargo-zigbuild $zigbuild_version and libclang $libclang_version"
  rm -rf "$tools.new"
  PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --no-deps --only-binary=:all: --target "$tools.new" \
    "ziglang==$zig_version" "cargo-zigbuild==$zigbuild_version" "libclang==$libclang_version" >&2 || cannot "pip could not install them"
  mv "$tools.new" "$tools"
}

# The target's standard library, and how to run its programs here. zig takes the place of the C compiler that comes along.
export_target() {
  [ "$machine" != "$(uname -m)" ] || return 0
  [ "$machine" = aarch64 ] || cannot "programs for $machine are built on such a machine only, this is $(uname -m)"
  local exports
  if exports=$(scripts/aarch64.sh); then
    eval "$exports"
    unset "${!CC_@}" "${!CXX_@}" "${!AR_@}" CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER
  else
    [ -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ] || exit 77
  fi
}

build() { # what of the package
  # bindgen takes this name, with its dashes, before the one that cargo-zigbuild sets, which lacks the kernel's headers.
  local headers="-nostdinc" family=${machine/x86_64/x86} folder
  for folder in include "libc/include/$family-linux-gnu" libc/include/generic-glibc "libc/include/$family-linux-any" libc/include/any-linux-any; do
    headers+=" -isystem $tools/ziglang/lib/$folder"
  done
  env "BINDGEN_EXTRA_CLANG_ARGS_$target=$headers" LIBCLANG_PATH="$tools/clang/native" CARGO_ZIGBUILD_ZIG_PATH="$tools/ziglang/zig" \
    CARGO_ZIGBUILD_CACHE_DIR="$tools/cache" ZIG_GLOBAL_CACHE_DIR="$tools/cache" \
    nice "$tools/bin/cargo-zigbuild" zigbuild --release --locked -p edge-runtime --target "$target.$glibc" "$@" >&2
}

# A failed check leaves the program where it is, to be looked at.
check() {
  command -v readelf >/dev/null || cannot "readelf is missing. On Debian and Ubuntu: sudo apt-get install binutils"
  local kind needs newest others
  kind=$(readelf -hW "$program" | sed -n 's/^ *Machine: *//p')
  case $machine:$kind in
    aarch64:AArch64 | x86_64:*X86-64*) ;;
    *) die "$program is for $kind, not for $machine" ;;
  esac
  ! readelf -SW "$program" | grep -q ' \.symtab ' || die "$program is not stripped"
  needs=$(readelf -VW "$program" | grep -oE '\bGLIBC_[0-9.]+' | sort -Vu)
  newest=${needs##*GLIBC_}
  [ -n "$newest" ] || die "$program names no version of the C library"
  [ "$(printf '%s\n' "$newest" "$glibc" | sort -V | tail -n 1)" = "$glibc" ] ||
    die "$program needs glibc $newest, and boards have $glibc:"$'\n'"$(readelf -W --dyn-syms "$program" | grep -oE "[^ ]+@GLIBC_$newest" | sort -u)"
  others=$(readelf -dW "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -vE '^(lib(c|m|dl|rt|pthread)\.so\.[0-9]+|ld-linux-.*)$' || true)
  [ -z "$others" ] || die "$program needs more than the C library:"$'\n'"$others"
  say "$kind, $(stat -c %s "$program") bytes, glibc $newest (at most $glibc)"
  run_help
}

# The commands are known to the program's own crate alone, which is built for the target: what writes the manual is linked with it and
# runs here, emulated. Another build of everything, for this machine, would take minutes.
write_manual() {
  local folder=${program%/*}/manual emulator=()
  if [ "$machine" != "$(uname -m)" ]; then
    command -v "qemu-$machine" >/dev/null || cannot "there is no qemu-$machine to write the manual with. On Debian and Ubuntu: sudo apt-get install qemu-user"
    emulator=(qemu-"$machine" -L "/usr/$machine-linux-gnu")
  fi
  build --example manual || die "what writes the manual could not be built"
  rm -rf "$folder"
  "${emulator[@]}" "${program%/*}/examples/manual" "$folder" || die "the manual could not be written"
  # cargo-deb, which compresses man pages, leaves alone what lies beside the program.
  gzip -9n "$folder"/*.1
  say "man pages and completions in $folder"
}

# Under the processors of a Jetson Nano and of Raspberry Pi 4 and 5.
run_help() {
  local processor emulator
  if [ "$machine" = "$(uname -m)" ]; then
    "$program" --help >/dev/null || die "$program --help fails"
    say "--help runs"
    return
  fi
  command -v "qemu-$machine" >/dev/null || { say "NOT RUN: there is no qemu-$machine"; return; }
  emulator=(qemu-"$machine" -L "/usr/$machine-linux-gnu")
  for processor in cortex-a57 cortex-a72 cortex-a76; do
    "${emulator[@]}" -cpu "$processor" "$program" --help >/dev/null || die "$program --help fails on $processor"
  done
  say "--help runs on cortex-a57, cortex-a72 and cortex-a76, emulated"
}

if [ -z "$only_check" ]; then
  install_tools
  export_target
  say "building edge-runtime for $target with glibc $glibc"
  build --bin edge-runtime || die "the build failed"
fi
[ -e "$program" ] || cannot "there is no $program; build it with scripts/cross.sh"
check
[ -z "$manual" ] || write_manual
printf '%s\n' "$program"
