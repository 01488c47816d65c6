#!/usr/bin/env bash
# Builds the station's Debian package, program, manual and service, with the program of scripts/cross.sh:
#     scripts/package.sh            for arm64: Raspberry Pi OS, JetPack 5 and later, Debian 11 and later
#     scripts/package.sh --amd64    for an x86-64 industrial PC
# Only the package's path goes to standard output. Ends with 77 and the reason where this machine cannot be set up. Safe to run again.
set -euo pipefail

cargo_deb_version=3.8.0
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
say() { printf 'package: %s\n' "$*" >&2; }
cd "$root"

case "${*-}" in
  '') target=aarch64-unknown-linux-gnu architecture=arm64 ;;
  --amd64) target=x86_64-unknown-linux-gnu architecture=amd64 ;;
  *) say "unknown arguments '$*'; usage: scripts/package.sh [--amd64]"; exit 1 ;;
esac

scripts/cross.sh --manual "$@" >/dev/null

if ! [ "$(.deps/cargo-deb/bin/cargo-deb --version 2>/dev/null)" = "cargo-deb $cargo_deb_version" ]; then
  say "installing cargo-deb $cargo_deb_version"
  CARGO_TARGET_DIR="$root/.deps/cargo-deb.build" nice cargo install cargo-deb --version "$cargo_deb_version" --locked --force \
    --root .deps/cargo-deb >&2
  rm -rf .deps/cargo-deb.build
fi

version=$(sed -n '/^\[workspace.package\]/,/^$/s/^version = "\(.*\)"/\1/p' Cargo.toml)
package=${CARGO_TARGET_DIR:-$root/target}/debian/edge-runtime_$version-1_$architecture.deb
# The program is stripped, and the host's tools cannot read a foreign one.
.deps/cargo-deb/bin/cargo-deb --package edge-runtime --target "$target" --no-build --no-strip --locked --output "$package" >&2
say "$(stat -c %s "$package") bytes"
printf '%s\n' "$package"
