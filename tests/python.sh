# Sourced by the scripts that run other runtimes. Not a command of its own.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Exit status 77 means that this machine cannot run it.
cannot() {
  echo "SKIPPED: $1" >&2
  exit 77
}

# python_with FOLDER NAME==VERSION... makes a Python environment with exactly these packages below .deps, once, and sets $python.
python_with() {
  local home=$root/.deps/$1
  shift
  python=$home/bin/python
  "$python" - "$@" 2>/dev/null <<'PY' && return
import importlib.metadata, sys
sys.exit(any(importlib.metadata.version(name) != version for name, version in (pin.split("==") for pin in sys.argv[1:])))
PY
  command -v python3 >/dev/null || cannot "there is no python3"
  python3 -m venv "$home" >&2 || cannot "python3 cannot make a virtual environment"
  "$python" -m pip install --quiet --disable-pip-version-check "$@" >&2 || cannot "pip cannot install $*"
}
