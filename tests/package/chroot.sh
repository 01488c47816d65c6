#!/usr/bin/env bash
# Installs the station's package in a small Debian of its architecture, emulated where that is another, and uses it there: inside.sh
# says what must hold. By default Debian 11, whose C library, glibc 2.31, is the oldest that the package promises to run with.
#     tests/package/chroot.sh [PACKAGE.deb]       default: the arm64 package that scripts/package.sh built
#     SUITE=bookworm tests/package/chroot.sh
# Needs root; fetches emulator and mmdebstrap as packages, and the Debian (60 MB, once) into .deps/. While it runs, this machine starts
# aarch64 programs by itself; afterwards all is as before. Ends with 77 and the reason where it cannot run.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
inside=$root/tests/package/inside.sh
suite=${SUITE:-bullseye}
say() { printf 'chroot: %s\n' "$*" >&2; }
cannot() { say "$*"; exit 77; }

package=${1-}
if [ -z "$package" ]; then
  packages=("${CARGO_TARGET_DIR:-$root/target}"/debian/edge-runtime_*_arm64.deb)
  package=${packages[-1]}
fi
[ -e "$package" ] || cannot "there is no $package; build it with scripts/package.sh"
[ "$(id -u)" = 0 ] || cannot "only root can change into another root"
command -v dpkg-deb >/dev/null || cannot "dpkg is missing; this test is for Debian and its relatives"

architecture=$(dpkg-deb --field "$package" Architecture)
foreign=
[ "$architecture" = "$(dpkg --print-architecture)" ] || foreign=yes
[ -z "$foreign" ] || [ "$architecture" = arm64 ] || cannot "programs for $architecture are emulated for arm64 alone"

tools=(mmdebstrap ${foreign:+qemu-user-static})
if ! command -v mmdebstrap >/dev/null || { [ -n "$foreign" ] && ! command -v qemu-aarch64-static >/dev/null; }; then
  say "installing ${tools[*]}"
  apt=(apt-get -q -y -o DPkg::Lock::Timeout=600)
  { "${apt[@]}" update && DEBIAN_FRONTEND=noninteractive "${apt[@]}" --no-install-recommends install "${tools[@]}"; } >&2 ||
    cannot "apt-get could not install ${tools[*]}"
fi

# From here on this shell has mounts and processes of its own, which vanish with it.
if [ -z "${CHROOT_ISOLATED-}" ]; then
  unshare --mount --pid --fork true 2>/dev/null || cannot "this machine allows no mounts of one's own"
  CHROOT_ISOLATED=yes exec unshare --mount --pid --fork --kill-child --mount-proc "$0" "$package"
fi

work=$(mktemp -d)
formats=/proc/sys/fs/binfmt_misc
ours=$formats/draem-edge-aarch64
finish() {
  [ ! -e "$ours" ] || echo -1 >"$ours"
  umount -l "$work/root/proc" "$work/root/dev" "$work/root/sys" 2>/dev/null || true
  rm -rf --one-file-system "$work"
}
trap finish EXIT

# The kernel starts aarch64 programs through the emulator. `F` opens it now, so that it need not be in the chroot.
emulate() {
  [ -e "$formats/register" ] || mount -t binfmt_misc binfmt_misc "$formats" 2>/dev/null || cannot "this kernel starts no foreign programs"
  local entry
  for entry in "$formats"/qemu-aarch64 "$ours"; do
    [ ! -e "$entry" ] || ! grep -q '^enabled' "$entry" || ! grep -q '^flags:.*F' "$entry" || return 0
  done
  # An ELF header of 64 bits, little-endian, an executable or a shared object, for machine 183.
  local head='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
  local mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
  printf '%s' ":${ours##*/}:M::$head:$mask:$(command -v qemu-aarch64-static):F" >"$formats/register" ||
    cannot "the kernel does not take the emulator"
}
[ -z "$foreign" ] || emulate

base=$root/.deps/debian-$suite-$architecture.tar
if [ ! -e "$base" ]; then
  say "fetching Debian $suite for $architecture"
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -vi security | head -n 1)
  mkdir -p "$root/.deps"
  # systemd stands for the board's: it makes the user and checks the unit.
  mmdebstrap --quiet --mode=root --format=tar --variant=minbase --architectures="$architecture" --include=systemd --skip=check/qemu \
    "$suite" "$base.new" "deb $mirror $suite main" >&2 || { rm -f "$base.new"; cannot "no Debian $suite could be made"; }
  mv "$base.new" "$base"
fi

mkdir "$work/root"
tar -C "$work/root" --exclude='./dev/*' -xf "$base"
mount -t proc proc "$work/root/proc"
mount --rbind /dev "$work/root/dev"
mount --rbind /sys "$work/root/sys"
cp "$package" "$work/root/edge-runtime.deb"
cp "$inside" "$work/root/inside.sh"
say "installing ${package##*/} in Debian $suite for $architecture"
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
  chroot "$work/root" sh /inside.sh /edge-runtime.deb
