#!/usr/bin/env bash
# Puts under .deps/ what building for aarch64 needs, and prints the export lines that make cargo build for it and run it emulated:
#     eval "$(scripts/aarch64.sh)"
#     cargo test --target aarch64-unknown-linux-gnu -p edge-kernels
# The compiler is the project's own; where it lacks the target's standard library, that is built once from the same version's
# sources (45 MB to download, 100 MB kept), without rustup; where the sources are not to be had, Debian's newer compiler is fetched
# (150 MB to download, 610 MB kept). As root it installs cross compiler and emulator itself.
# Only the export lines go to standard output. Ends with 77 and the reason where this machine cannot be set up. Safe to run again.
set -euo pipefail

target=aarch64-unknown-linux-gnu
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
say() { printf 'aarch64: %s\n' "$*" >&2; }
die() { say "$*"; exit 77; }
cd "$root"

[ "$(uname -s)" = Linux ] || die "only Linux is supported, this is $(uname -s)"
[ "$(uname -m)" != aarch64 ] || die "this machine is one; build and test without --target"
case "$root" in *[[:space:]]*) die "cargo takes no flags with blanks, and this folder's path has some: $root" ;; esac

packages="gcc-aarch64-linux-gnu g++-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user"
present() { command -v aarch64-linux-gnu-gcc && command -v aarch64-linux-gnu-g++ && command -v qemu-aarch64; } >/dev/null
if ! present; then
  how="On Debian and Ubuntu: sudo apt-get install $packages"
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || die "cross compiler or emulator are missing. $how"
  say "installing $packages"
  apt=(apt-get -q -y -o DPkg::Lock::Timeout=600)
  # shellcheck disable=SC2086
  { "${apt[@]}" update && DEBIAN_FRONTEND=noninteractive "${apt[@]}" --no-install-recommends install $packages; } >&2 ||
    die "apt-get could not install them. $how"
fi
libc=/usr/aarch64-linux-gnu
[ -e "$libc/lib/ld-linux-aarch64.so.1" ] || die "there is no C library for aarch64 in $libc. On Debian and Ubuntu: sudo apt-get install $packages"

version=$(rustc --version | cut -d' ' -f2)
sysroot=$(rustc --print sysroot)
home="$root/.deps/aarch64-$version"
rustup_way="With rustup: rustup target add $target"

# apt-get or apt-cache with a state of its own that knows these suites alone, from the mirror that this machine uses.
isolated() { # suites, command...
  local suites=$1 folder="$home.apt/${1// /-}" mirror suite
  shift
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -vi security | head -n 1) || return 1
  mkdir -p "$folder/lists/partial" "$folder/archives/partial"
  : >"$folder/status"
  for suite in $suites; do
    printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' "$mirror" "$suite"
  done >"$folder/sources.list"
  "$1" -q -o Dir::Etc::sourcelist="$folder/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::Lists="$folder/lists" \
    -o Dir::State::status="$folder/status" -o Dir::Cache="$folder" -o Acquire::Languages=none -o APT::Sandbox::User= \
    -o APT::Architectures::="$(dpkg --print-architecture)" -o APT::Architectures::=arm64 "${@:2}"
}

# The sources of the standard library, of exactly the compiler's version, into $home.src/library.
sources() {
  if [ -d "$sysroot/lib/rustlib/src/rust/library/std" ]; then
    mkdir -p "$home.src"
    cp -r "$sysroot/lib/rustlib/src/rust/library" "$home.src/library"
    return
  fi
  command -v apt-get >/dev/null && command -v dpkg >/dev/null || return 1
  local suite package
  for suite in trixie-backports forky sid; do
    isolated "$suite" apt-get update >/dev/null 2>&1 || continue
    package=$(isolated "$suite" apt-cache madison rust-src | awk -F'|' -v version="$version" \
      '{ gsub(/ /, "", $2) } index($2, version "+") == 1 || index($2, version "-") == 1 { print $2; exit }')
    [ -n "$package" ] || continue
    say "the standard library's sources: rust-src $package of $suite"
    mkdir -p "$home.src"
    (cd "$home.src" && isolated "$suite" apt-get download "rust-src=$package" >/dev/null 2>&1) || continue
    dpkg --fsys-tarfile "$home.src"/rust-src_*.deb |
      tar -C "$home.src" --strip-components=4 -xf - "./usr/src/rustc-$version/library" && return
  done
  return 1
}

# As the compiler's own build does it, so that the result is what rustup would have brought.
build() {
  local library="$home.src/library" lib="$home.new/lib/rustlib/$target/lib" commit
  commit=$(rustc -vV | sed -n 's/^commit-hash: //p')
  say "building the standard library for $target"
  (
    cd "$library" || exit
    unset CARGO_BUILD_TARGET CARGO_ENCODED_RUSTFLAGS "${!CARGO_TARGET_@}"
    export RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="$home.build" __CARGO_DEFAULT_LIB_METADATA="edge$version"
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
    export CARGO_PROFILE_RELEASE_DEBUG=0 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1 CARGO_PROFILE_RELEASE_STRIP=none
    export RUSTFLAGS="-Zforce-unstable-if-unmarked -Cembed-bitcode=yes -Cforce-frame-pointers=non-leaf -Zunstable-options \
      --remap-path-prefix=$library=/rustc/$commit/library"
    nice cargo build --release --locked --target "$target" --manifest-path sysroot/Cargo.toml --features panic-unwind,backtrace >&2
  ) || return 1
  # The compiler's helpers for this machine are found beside the target.
  rm -rf "$home.new" && mkdir -p "$lib" && cp "$home.build/$target/release/deps"/*.rlib "$lib/" && rm -f "$lib"/libsysroot-* &&
    ln -s "$sysroot/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')" "$home.new/lib/rustlib/" && mv "$home.new" "$home"
}

# Where the sources are not to be had: Debian's newer compiler with both standard libraries and all that it needs to run, beside the
# project's own. Its programs are told to take the C library that came along, because this machine's may be older.
other_compiler() { # folder
  local into=$1 suites="trixie trixie-backports" of newer packages file
  [ "$(uname -m)" = x86_64 ] && command -v apt-get >/dev/null && command -v dpkg >/dev/null || return 1
  command -v patchelf >/dev/null || { [ "$(id -u)" = 0 ] && DEBIAN_FRONTEND=noninteractive apt-get -q -y \
    -o DPkg::Lock::Timeout=600 --no-install-recommends install patchelf >&2; } || { say "patchelf is missing"; return 1; }
  isolated "$suites" apt-get update >/dev/null 2>&1 || return 1
  of=$(isolated "$suites" apt-cache madison rustc | awk -F'|' '$3 ~ /backports.*amd64/ { gsub(/ /, "", $2); print $2; exit }')
  [ -n "$of" ] || return 1
  newer=${of%%+*}
  say "there are no sources of Rust $version; fetching Debian's Rust $newer instead"
  # A compiler needs neither another one for C nor documentation.
  packages=$(isolated "$suites" apt-get -y --no-install-recommends --print-uris install "rustc=$of" "libstd-rust-dev=$of" 2>/dev/null |
    awk -F"'" 'NF > 2 { split($3, part, " "); sub(/_.*/, "", part[1]); print part[1] }' |
    grep -vE '^(rustc|libstd-rust.*|gcc.*|cpp.*|binutils.*|linux-libc-dev|libc6-dev|libc-dev-bin|rpcsvc-proto|libgcc-[0-9]+-dev|libcrypt-dev)$' |
    grep -vE '^lib(asan|tsan|hwasan|lsan|ubsan|gprofng|ctf|sframe|itm|atomic|quadmath|gomp|cc1|isl|mpc|mpfr|gmp|binutils|jansson)')
  rm -rf "$home.debs" "$into.new" && mkdir -p "$home.debs" "$into.new" || return 1
  # shellcheck disable=SC2086
  (cd "$home.debs" && isolated "$suites" apt-get download $packages "rustc=$of" "libstd-rust-${newer%.*}=$of" "libstd-rust-dev=$of" \
    "libstd-rust-dev:arm64=$of" >/dev/null 2>&1) || return 1
  for file in "$home.debs"/*.deb; do dpkg -x "$file" "$into.new" || return 1; done
  local libraries="usr/lib/x86_64-linux-gnu"
  for file in rustc rustdoc; do
    patchelf --set-interpreter "$into/$libraries/ld-linux-x86-64.so.2" --force-rpath --set-rpath "$into/$libraries" "$into.new/usr/bin/$file" ||
      return 1
  done
  # A library with a run path of the newer kind would look for its own libraries on this machine.
  for file in "$into.new/$libraries"/lib*.so.*; do
    [ -L "$file" ] || ! readelf -d "$file" 2>/dev/null | grep -q RUNPATH || patchelf --force-rpath --set-rpath '$ORIGIN' "$file" || return 1
  done
  for file in "$into.new/$libraries"/librustc_driver-*.so; do patchelf --force-rpath --set-rpath '$ORIGIN' "$file" || return 1; done
  mv "$into.new" "$into"
}

exported=()
if [ ! -d "$sysroot/lib/rustlib/$target/lib" ]; then
  other="$root/.deps/aarch64-rustc"
  if [ ! -d "$home" ] && [ ! -d "$other" ]; then
    rm -rf "$home".*
    mkdir -p "$root/.deps"
    if sources; then
      build || die "the standard library for $target could not be built. $rustup_way"
    else
      other_compiler "$other" || die "a standard library for $target was found nowhere, neither its sources. $rustup_way"
    fi
    rm -rf "$home".*
    say "the standard library for $target is in .deps/"
  fi
  if [ -d "$home" ]; then
    exported=("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS=--sysroot=$home" \
      "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTDOCFLAGS=--sysroot=$home")
  else
    exported=("RUSTC=$other/usr/bin/rustc" "RUSTDOC=$other/usr/bin/rustdoc")
  fi
fi

printf 'export %q\n' "${exported[@]}" CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
  CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L $libc" CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc \
  CXX_aarch64_unknown_linux_gnu=aarch64-linux-gnu-g++ AR_aarch64_unknown_linux_gnu=aarch64-linux-gnu-ar
