#!/usr/bin/env bash
# Puts libtorch under .deps/ and prints the export lines that make the `torch` feature build and run:
#     eval "$(scripts/libtorch.sh)"          CPU libraries only, about 540 MB to download, 570 MB kept
#     eval "$(scripts/libtorch.sh --cuda)"   the whole wheel with its CUDA dependencies, several GB
# Only the export lines go to standard output; everything else to standard error. Safe to run again:
# what is complete is kept, and a folder appears under its final name only once it is whole.
set -euo pipefail

version=2.13.0
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
say() { printf 'libtorch: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

flavour=cpu
case "${1-}" in
  '') ;;
  --cuda) flavour=cuda ;;
  *) die "unknown option '$1'; usage: scripts/libtorch.sh [--cuda]" ;;
esac

[ "$(uname -s)" = Linux ] || die "only Linux is supported, this is $(uname -s)"
case "$(uname -m)" in
  x86_64) platforms="manylinux_2_28_x86_64 manylinux_2_27_x86_64 manylinux_2_25_x86_64 manylinux_2_17_x86_64 manylinux2014_x86_64" ;;
  aarch64) platforms="manylinux_2_28_aarch64 manylinux_2_27_aarch64 manylinux_2_25_aarch64 manylinux_2_17_aarch64 manylinux2014_aarch64" ;;
  *) die "no torch $version wheel for $(uname -m); train on an x86-64 or aarch64 PC" ;;
esac

home="$root/.deps/libtorch-$version-$flavour"
wheels="$root/.deps/wheels"

fetch() { # packages: downloads their wheels into $wheels, once
  local tags=() p
  for p in $platforms; do tags+=(--platform "$p"); done
  python3 -m pip --version >/dev/null 2>&1 ||
    die "python3 has no pip. On Debian and Ubuntu: sudo apt-get install python3-pip"
  mkdir -p "$wheels"
  say "downloading $* (whole files are kept in .deps/wheels, so that an interrupted set-up goes on from there)"
  local resume=()
  ! python3 -m pip download --help | grep -q -- --resume-retries || resume=(--resume-retries 10)
  python3 -m pip download --quiet --no-cache-dir "${resume[@]}" --dest "$wheels" --only-binary=:all: --implementation cp \
    --python-version 3.12 "${tags[@]}" $([ "$flavour" = cpu ] && echo --no-deps) "$@" >&2 ||
    die "pip could not download $*; run the same command again to go on"
}

unpack() { # folder, wheels: every file of the wheels under the folder
  local into=$1; shift
  python3 - "$into" "$@" <<'PY'
import sys, zipfile
for wheel in sys.argv[2:]:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(sys.argv[1])
PY
}

# torch-sys links libtorch by name; the wheels' own file of that name only pulls in the two libraries beside it.
empty_library() { printf '' | "${CC:-cc}" -shared -x c - -o "$1"; }

install_cpu() { # new folder
  local new=$1 stage="$1.unpacked"
  fetch "torch==$version" "nvidia-cuda-runtime==13.*" "nvidia-cuda-cupti==13.*"
  say "unpacking"
  unpack "$stage" "$wheels"/torch-$version-*.whl "$wheels"/nvidia_cuda_runtime-*.whl "$wheels"/nvidia_cuda_cupti-*.whl
  mkdir -p "$new/lib"
  mv "$stage/torch/include" "$new/include"
  mv "$stage"/torch/lib/libc10.so "$stage"/torch/lib/libtorch_cpu.so "$stage"/torch/lib/libgomp*.so* "$new/lib/"
  [ -e "$new/lib/libgomp.so" ] || ln -s "$(cd "$new/lib" && ls libgomp*.so* | head -n 1)" "$new/lib/libgomp.so"
  local library
  for library in 'libcudart.so.*' 'libcupti.so.*'; do
    find "$stage/nvidia" -name "$library" -exec mv {} "$new/lib/" \;
  done
  empty_library "$new/lib/libtorch.so"
  rm -rf "$stage"
}

install_cuda() { # new folder
  local new=$1 stage="$1.unpacked"
  fetch "torch==$version"
  say "unpacking"
  unpack "$stage" "$wheels"/*.whl
  mkdir -p "$new"
  mv "$stage/torch/include" "$new/include"
  mv "$stage/torch/lib" "$new/lib"
  find "$stage/nvidia" -name '*.so*' -exec mv {} "$new/lib/" \;
  rm -rf "$stage"
}

if [ ! -e "$home/build-version" ]; then
  command -v python3 >/dev/null || die "python3 is needed to fetch libtorch"
  command -v "${CC:-cc}" >/dev/null || die "a C++ compiler is needed. On Debian and Ubuntu: sudo apt-get install g++"
  new="$home.new"
  rm -rf "$new" "$new.unpacked"
  "install_$flavour" "$new"
  printf '%s\n' "$version" >"$new/build-version"
  rm -rf "$home"
  mv "$new" "$home"
  rm -rf "$wheels"
  say "libtorch $version ($flavour) is in .deps/"
fi

printf 'export LIBTORCH=%q\n' "$home"
printf 'export LD_LIBRARY_PATH=%q${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}\n' "$home/lib"
