#!/usr/bin/env bash
# Puts under .deps/board what the emulated board is made of: Debian's own aarch64 kernel, busybox, the C library of the cross
# compiler, this folder's tools, all in one image (base.cpio) beside the kernel (vmlinuz).
# Packages come from the mirror that this machine's apt uses, are verified by apt and only unpacked, never installed (110 MB to
# download). As root it installs what it needs on this machine itself.
# Ends with 77 and the reason where that cannot be. Safe to run again: does only what is missing or older than its sources.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
board=${BOARD_HOME:-$(cd "$here/../.." && pwd)/.deps/board}
# The first kernel of Debian that has the GPIO simulator on aarch64, and a stable suite for the rest.
suites="trixie trixie-backports"
modules="9p 9pnet_virtio virtio_pci configfs gpio-sim vhci-hcd uvcvideo uhid hid-mcp2221 i2c-dev"
cross=aarch64-linux-gnu-
say() { printf 'board: %s\n' "$*" >&2; }
die() { say "$*"; exit 77; }

packages="qemu-system-arm qemu-user cpio kmod xz-utils zstd python3 gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
export PATH=$PATH:/sbin:/usr/sbin
present() {
  local program
  for program in qemu-system-aarch64 qemu-aarch64 cpio depmod xz zstd python3 ${cross}gcc; do
    command -v "$program" >/dev/null || return
  done
}
if ! present; then
  how="On Debian and Ubuntu: sudo apt-get install $packages"
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || die "programs are missing. $how"
  say "installing $packages"
  apt=(apt-get -q -y -o DPkg::Lock::Timeout=600)
  # shellcheck disable=SC2086
  { "${apt[@]}" update && DEBIAN_FRONTEND=noninteractive "${apt[@]}" --no-install-recommends install $packages; } >&2 ||
    die "apt-get could not install them. $how"
fi
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || die "the board is made of Debian's packages; apt-get and dpkg are needed"

# apt-get with a state of its own, which knows these suites alone and believes that nothing is installed.
isolated() {
  "$1" -q -o Dir::Etc::sourcelist="$board/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
    -o Dir::State::Lists="$board/apt/lists" -o Dir::State::status="$board/apt/status" -o Dir::Cache="$board/apt" \
    -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Acquire::Languages=none -o APT::Sandbox::User= \
    -o APT::Update::Post-Invoke= "${@:2}"
}

# The kernel, its modules and busybox, unpacked into $board/debian.
fetch() {
  local mirror suite names file
  say "fetching a kernel"
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -vi security | head -n 1) || return 1
  rm -rf "$board/apt" "$board/debs" "$board/debian.new"
  mkdir -p "$board/apt/lists/partial" "$board/apt/archives/partial" "$board/debs" "$board/debian.new"
  : >"$board/apt/status"
  for suite in $suites; do
    printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' "$mirror" "$suite"
  done >"$board/apt/sources.list"
  isolated apt-get update >"$board/apt/log" 2>&1 || { cat "$board/apt/log" >&2; return 1; }
  names=$(isolated apt-get install --simulate --no-install-recommends --target-release "${suites##* }" linux-image-arm64 |
    sed -nE 's/^Inst (linux-(image|binary|modules|base)-[0-9][^ :]*).*/\1/p') && [ -n "$names" ] || return 1
  # shellcheck disable=SC2086
  (cd "$board/debs" && isolated apt-get download $names "busybox-static/${suites%% *}") >"$board/apt/log" 2>&1 ||
    { cat "$board/apt/log" >&2; return 1; }
  for file in "$board"/debs/*.deb; do dpkg-deb --extract "$file" "$board/debian.new"; done
  rm -rf "$board/debs" "$board/apt" "$board/debian"
  mv "$board/debian.new" "$board/debian"
}

# The image that every run starts from.
image() {
  local root=$board/root from release module file
  say "building the image"
  from=$(echo "$board"/debian/usr/lib/modules/*)
  release=${from##*/}
  rm -rf "$root" && mkdir -p "$root"/{bin,lib,dev,usr/local/bin,"lib/modules/$release"}
  cp "$(find "$board/debian" -path '*bin/busybox' -type f)" "$root/bin/busybox"
  for file in ld-linux-aarch64.so.1 libc.so.6 libm.so.6 libgcc_s.so.1 libpthread.so.0 libdl.so.2 librt.so.1; do
    cp -L "$(${cross}gcc -print-file-name=$file)" "$root/lib/$file"
  done
  for file in "$here"/tools/*.c; do
    ${cross}gcc -O2 -Wall -Wextra -Werror -std=gnu11 -static -o "$root/usr/local/bin/$(basename "$file" .c)" "$file"
  done
  install -m 755 "$here/guest/init" "$root/init"
  # depmod and modprobe look below lib/ of the folder they are given.
  ln -sfn usr/lib "$board/debian/lib"
  depmod -b "$board/debian" "$release"
  for module in $modules; do
    modprobe -d "$board/debian" -S "$release" --show-depends "$module" || { say "the kernel has no module $module"; return 1; }
  done | sed -n 's/^insmod //p' | sort -u | while read -r file; do
    module=$root/lib/modules/$release/$(basename "${file%%.ko*}").ko
    case $file in
      *.xz) xz -dc "$file" ;;
      *.zst) zstd -qdc "$file" ;;
      *) cat "$file" ;;
    esac >"$module"
  done
  cp "$from"/modules.{builtin,builtin.modinfo,order} "$root/lib/modules/$release/"
  depmod -b "$root" "$release"
  ln -sf "$(cd "$board" && find debian -name "vmlinuz*" -type f | head -n 1)" "$board/vmlinuz"
  (cd "$root" && find . -print0 | LC_ALL=C sort -z | cpio --null -o -H newc -R 0:0 --quiet) >"$board/base.new"
  mv "$board/base.new" "$board/base.cpio"
}

mkdir -p "$board"
[ -d "$board/debian" ] || fetch || die "Debian's kernel could not be fetched from this machine's mirror"
[ -f "$board/base.cpio" ] && [ -z "$(find "$here/setup.sh" "$here/guest/init" "$here/tools" -newer "$board/base.cpio")" ] || image
