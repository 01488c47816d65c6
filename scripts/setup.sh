# Sourced by demo.sh and test.sh: says clearly what a machine lacks, then sets up libtorch. Not a command of its own.

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
