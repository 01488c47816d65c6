# Sourced by demo.sh and test.sh: says clearly what a machine lacks, then sets up libtorch. Not a command of its own.
# `libclang` sets up what building with cameras needs besides.

cd "$(dirname "${BASH_SOURCE[0]}")/.."

need() { # command, what to do
  command -v "$1" >/dev/null && return
  printf '%s is missing. %s\n' "$1" "$2" >&2
  exit 2
}

need cargo 'Install Rust with rustup: https://rustup.rs'
need python3 'On Debian and Ubuntu: sudo apt-get install python3 python3-pip'
need "${CXX:-c++}" 'On Debian and Ubuntu: sudo apt-get install g++'

exports=$(scripts/libtorch.sh) || exit 2
eval "$exports"

# What reads the kernel's headers for cameras: the machine's own, or the one that a wheel brings (25 MB), which needs the compiler's
# headers.
libclang() {
  local version=18.1.1 tools
  # Not libclang-cpp, which stands beside it under a name much alike.
  if [ -n "${LIBCLANG_PATH-}" ] || compgen -G '/usr/lib/llvm-*/lib/libclang[.-][1-9s]*' >/dev/null; then return; fi
  tools=$PWD/.deps/libclang-$version
  if [ ! -d "$tools" ]; then
    rm -rf "$tools.new"
    PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --no-deps --only-binary=:all: --target "$tools.new" "libclang==$version" &&
      mv "$tools.new" "$tools" || { echo 'libclang is missing. On Debian and Ubuntu: sudo apt-get install libclang-dev' >&2; exit 2; }
  fi
  export LIBCLANG_PATH=$tools/clang/native
  BINDGEN_EXTRA_CLANG_ARGS="-I$("${CC:-cc}" -print-file-name=include)"
  export BINDGEN_EXTRA_CLANG_ARGS
}
