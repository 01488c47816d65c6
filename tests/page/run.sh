#!/usr/bin/env bash
# Chromium goes through every page that edge-plant serves, on a simulated line that runs beside it: tests/page/run.sh [STATION PLANT]
# Without programs it builds them. Screenshots of every page stay in target/page. Node and npm are the machine's own; the browser's driver and
# axe come from npm into .deps/page, Chromium is the machine's own, or CHROMIUM, or Debian's package, which root installs.
# Ends with 1 when something was not as it must be, and with 77 and the reason where this machine cannot run it.
set -euo pipefail

playwright=1.65.1 axe=4.14.1
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
say() { printf 'page: %s\n' "$*" >&2; }
cannot() { say "SKIPPED: $*"; exit 77; }
cd "$root"

for program in node npm; do
  command -v "$program" >/dev/null || cannot "$program is missing. On Debian and Ubuntu: sudo apt-get install nodejs npm"
done

browser() { command -v "${CHROMIUM:-chromium-headless-shell}" || command -v chromium || command -v chromium-browser || command -v google-chrome; }
if ! browser >/dev/null; then
  how="On Debian: sudo apt-get install chromium-headless-shell"
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || cannot "there is no Chromium. $how"
  say "installing chromium-headless-shell"
  apt=(apt-get -q -y -o DPkg::Lock::Timeout=600)
  { "${apt[@]}" update && DEBIAN_FRONTEND=noninteractive "${apt[@]}" --no-install-recommends install chromium-headless-shell fonts-dejavu-core; } >&2 ||
    cannot "apt-get could not install Chromium. $how"
fi
CHROMIUM=$(browser) || cannot "there is no Chromium"
export CHROMIUM

home=.deps/page-$playwright-$axe
if ! [ -d "$home/node_modules/axe-core" ]; then
  say "installing playwright-core $playwright and axe-core $axe"
  rm -rf "$home.new"
  mkdir -p "$home.new"
  npm install --silent --no-audit --no-fund --no-save --no-package-lock --ignore-scripts --prefix "$home.new" \
    "playwright-core@$playwright" "axe-core@$axe" >&2 || cannot "npm cannot install playwright-core and axe-core"
  rm -rf "$home"
  mv "$home.new" "$home"
fi

target=${CARGO_TARGET_DIR:-$root/target}
if [ $# -eq 0 ]; then
  cargo build --release -p edge-runtime -p edge-plant >&2
  set -- "$target/release/edge-runtime" "$target/release/edge-plant"
fi
[ $# -eq 2 ] || { say "usage: tests/page/run.sh [STATION PLANT]"; exit 2; }
exec node tests/page/walk.mjs "$home" "$target/page" "$(realpath "$1")" "$(realpath "$2")"
